"""A tenant may deploy to a server of somebody else: what reaches beyond the own containers is refused in the plan."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import CommandRecord
from deployments.models import Adoption
from deployments.states import Reason, Status
from tests import factories
from tests.attacks.cast import Scene, make_scene
from tests.stackgen.graphs import graph, node

SOCKET = "/var/run/docker.sock"
DATA = "axion-another-project_0123456789ab-data"
# What a graph says, and a word of the sentence that refuses it.
HOST = {
    "a path of the host": ({"hostPath./host": "/"}, "(/)"),
    "a path to be read": ({"hostPath./etc/shadow": "/etc/shadow:ro"}, "/etc/shadow"),
    "Docker's socket": ({f"hostPath.{SOCKET}": SOCKET}, SOCKET),
    "the volumes of all": ({"hostPath./v": "/var/lib/docker/volumes"}, "/var/lib/docker/volumes"),
    "all rights": ({"privileged": "true"}, "privileged"),
    "processes of the host": ({"pid": "host"}, "pid"),
    "memory of the host": ({"ipc": "host"}, "ipc"),
    "the network of the host": ({"network": "host", "port": ""}, "network_mode"),
    "a right": ({"capAdd": "SYS_ADMIN"}, "SYS_ADMIN"),
    "all capabilities": ({"capAdd": "ALL"}, "ALL"),
    "a device": ({"devices": "/dev/sda"}, "devices"),
    "graphics processors": ({"gpus": "all"}, "device"),
    "no filter of calls": ({"securityOpt": "seccomp:unconfined"}, "seccomp:unconfined"),
    "a volume of another project": ({"volume.x": "/x", "volumeName.x": DATA}, DATA),
    "a shared volume of another project": ({"sharedVolume.x": "/x", "volumeName.x": DATA}, DATA),
}
# These cannot even be said.
WORDS = {
    "another project's image": ({"image": "axion/axion-another-project-web:0123456789abcdef"}, "config.image"),
    "the same by its registry": ({"image": "docker.io/axion/axion-another-project-web:1"}, "config.image"),
    "an image by its id": ({"image": "0123456789ab"}, "config.image"),
    "an image by its whole id": ({"image": f"sha256:{'0' * 64}"}, "config.image"),
    "another container's network": ({"network": "container:another-web-1"}, "config.network"),
    "another network": ({"network": "axion-another-project_default"}, "config.network"),
    "processes of another container": ({"pid": "container:another-web-1"}, "config.pid"),
    "a volume by its path": ({"volume.x": "/x:/y"}, "config.volume.x"),
    "a volume above": ({"volume.../../x": "/x"}, "config.volume"),
    "a label of another project": ({"label.axion.project": "0"}, "config.label.axion.project"),
    "a label of Compose": ({"label.com.docker.compose.project": "another"}, "config.label.com.docker.compose.project"),
    "a setting of the kernel": ({"sysctl.kernel.core_pattern": "|/x"}, "config.sysctl.kernel.core_pattern"),
    "a variable of another project's node": ({"env.X": "${node.another.password}"}, "another"),
    "a driver of logs": ({"logDriver": "syslog"}, "config.logDriver"),
}


@pytest.fixture
def scene(db: None) -> Scene:
    made = make_scene()
    made.agreed()
    return made


def store(scene: Scene, config: dict[str, str]) -> Any:
    drawn = graph(node("a", **{"image": "x:1", "port": "80", **config}))
    path = f"/api/projects/{scene.lane.project_id}/graph"
    return scene.api("mallory").put(path, drawn, format="json")


def planned(scene: Scene) -> Any:
    return scene.post("mallory", f"projects/{scene.lane.project_id}/plan", **scene.where)


@pytest.mark.parametrize("tried", HOST)
def test_what_reaches_the_host_is_refused_in_the_plan(scene: Scene, tried: str) -> None:
    config, word = HOST[tried]
    assert store(scene, config).status_code == 200
    for answer in (planned(scene), scene.deploy("mallory")):
        assert answer.status_code == 400, answer.json()
        assert word in answer.json()["detail"]
    assert CommandRecord.objects.count() == 0


@pytest.mark.parametrize("tried", WORDS)
def test_what_is_anothers_cannot_be_said(scene: Scene, tried: str) -> None:
    config, word = WORDS[tried]
    stored = store(scene, config)
    answer = stored if stored.status_code != 200 else planned(scene)
    assert answer.status_code == 400, (answer.status_code, answer.json())
    assert word in str(answer.json()), answer.json()


def adopt(scene: Scene, *, project_id: Any, volume: str) -> None:
    Adoption.objects.create(
        server_id=scene.lane.server.id,
        server_name="box",
        state="taken",
        requested_by_id=scene.users["victor"].pk,
        requested_by_name="victor",
        requested_at=scene.lane.now(),
        deadline_at=scene.lane.now(),
        project_id=project_id,
        volumes=[volume],
    )


def test_a_volume_is_a_projects_own_only_where_it_took_it_over(scene: Scene) -> None:
    adopt(scene, project_id=factories.make_project(scene.users["bob"]).id, volume=DATA)
    store(scene, {"volume.x": "/x", "volumeName.x": DATA})
    assert planned(scene).status_code == 400
    adopt(scene, project_id=scene.lane.project_id, volume=DATA)
    assert planned(scene).status_code == 200
    elsewhere = factories.make_server(scene.users["mallory"], name="another box")
    factories.make_agent(elsewhere)
    answer = scene.post("mallory", f"projects/{scene.lane.project_id}/plan", serverId=str(elsewhere.id))
    assert answer.status_code == 400, answer.json()
    # An agent that does not know what taking over means is not sent it.
    ended = scene.started(scene.asked("mallory"))
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.INVALID)
    assert "too old to take containers over" in ended.message


def test_who_only_deploys_there_neither_looks_nor_takes_over(scene: Scene) -> None:
    path = f"servers/{scene.lane.server.id}/containers"
    body = {"inspectionId": str(scene.lane.project_id), "groups": ["project:shop"], "name": "x"}
    for name in ("mallory", "bob", "alice"):
        assert scene.api(name).get(f"/api/{path}").status_code == 404
        assert scene.post(name, path).status_code == 404
        assert scene.api(name).post(f"/api/{path}/adopt", body, format="json").status_code == 404
    assert CommandRecord.objects.count() == 0
