"""A graph that reaches for the host: a service with the Docker socket is root on the server of somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.models import CommandRecord, Server
from deployments.models import DeploymentHistory
from deployments.services.projects import sources
from deployments.services.stacks.privileges import privileged
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord
from stackgen.keys.privileges import PRIVILEGES
from tests import factories
from tests.attacks.cast import Scene, make_scene
from tests.runner.policy.test_stackcheck import refusal, stack
from tests.stackgen.graphs import graph, node, stack_of

GOLDEN = Path(__file__).parents[2] / "golden"
SOCKET = "/var/run/docker.sock"


def reaching() -> dict[str, Any]:
    """A gateway that used to be given the socket."""
    gateway = {"gateway": "traefik", "domain": "shop.example.org"}
    nodes = [
        {"id": "n-web", "type": 1, "data": {"serviceName": "web", "config": {"image": "web:1", "port": "80"}}},
        {"id": "n-edge", "type": 3, "data": {"serviceName": "edge", "config": gateway}},
    ]
    return {"nodes": nodes, "edges": [{"id": "e", "source": "n-edge", "target": "n-web", "type": 2}]}


@pytest.fixture
def scene(db: None) -> Scene:
    made = make_scene()
    made.agreed()
    sources.store_graph(caller=made.caller("mallory"), project_id=made.lane.project_id, graph=reaching())
    return made


def let(scene: Scene, *, allowed: bool) -> int:
    """What the server's owner says of privileged services."""
    path = f"/api/servers/{scene.lane.server.id}"
    status: int = scene.api("victor").patch(path, {"privilegedAllowed": allowed}, format="json").status_code
    return status


def as_an_earlier_version_made_it(scene: Scene, deployment: DeploymentRecord) -> None:
    """Its gateway was given the socket."""
    entry = DeploymentHistory.objects.get(deployment=deployment.id)
    config = entry.deployment_snapshot["config"]
    bind = f"services:\n  edge:\n    volumes:\n      - {SOCKET}:{SOCKET}:ro\n"
    config["dockerComposeYml"] = config["files"]["docker-compose.yml"] = bind
    entry.save()


def test_a_graph_gives_no_service_anything_of_the_host(scene: Scene) -> None:
    made = scene.deployed("mallory")
    assert set(privileged(made.config["dockerComposeYml"])) == set()
    assert SOCKET not in made.config["dockerComposeYml"]


def test_only_the_servers_owner_allows_it(scene: Scene) -> None:
    path = f"/api/servers/{scene.lane.server.id}"
    for name in ("mallory", "bob"):
        body = {"privilegedAllowed": True}
        assert scene.api(name).patch(path, body, format="json").status_code == 404
    assert Server.objects.filter(privileged_allowed=True).count() == 0
    assert let(scene, allowed=True) == 200
    assert scene.deployed("mallory").status is Status.SUCCESS


def test_a_version_that_reaches_for_the_host_comes_back_only_where_it_is_allowed(scene: Scene) -> None:
    first, second = scene.deployed("mallory"), scene.deployed("mallory")
    as_an_earlier_version_made_it(scene, first)
    back = {"targetDeploymentId": str(first.id)}
    rollback = f"deployments/{second.id}/rollback"
    for answer in (
        scene.post("mallory", rollback, **back),
        scene.post("ops", rollback, **back),
        scene.api("mallory").get(f"/api/{rollback}/plan", back),
    ):
        assert answer.status_code == 400
        assert f"edge ({SOCKET})" in answer.json()["detail"]
    let(scene, allowed=True)
    waiting = factories.reload(scene.post("mallory", rollback, **back).json()["deployment"]["id"])
    let(scene, allowed=False)
    before = CommandRecord.objects.count()
    ended = scene.started(waiting)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.INVALID)
    assert f"edge ({SOCKET})" in ended.message
    assert CommandRecord.objects.count() == before


@pytest.mark.parametrize(
    "key",
    [
        *("privileged", "cap_add", "devices", "device_cgroup_rules", "network_mode", "pid", "ipc", "uts"),
        *("userns_mode", "cgroup", "cgroup_parent", "runtime", "gpus"),
    ],
)
def test_each_key_that_takes_a_service_out_of_its_container_is_found(key: str) -> None:
    assert set(privileged(f"services:\n  a:\n    image: x\n    {key}: host\n")) == {("a", key)}


def test_all_that_leaves_its_container_is_found_in_what_was_generated() -> None:
    for case in GOLDEN.glob("*/expected/docker-compose.yml"):
        found = set(privileged(case.read_text()))
        assert {why for _, why in found} <= {SOCKET}
        assert bool(found) == (SOCKET in case.read_text())
    first = '  a:\n    privileged: true\n    volumes:\n      - data:/data\n      - "/:/host"\n      - ./x:/x\n'
    second = '  b:\n    cap_add:\n      - SYS_ADMIN\n    environment:\n      PRIVILEGED: "/x:/y"\n'
    wild = f"services:\n{first}{second}volumes:\n  a:\n    pid: x\n"
    assert set(privileged(wild)) == {("a", "privileged"), ("a", "/"), ("a", "./x"), ("b", "the right SYS_ADMIN")}


# Every key that reaches beyond its container: what the plan calls it, and what the server's agent does.
REACHING: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"hostPath./host": "/"}, "/", "a mounts / of the host"),
    ({"hostPath./srv/data": "/srv/data:ro"}, "/srv/data", "a mounts /srv/data of the host"),
    ({"hostPath./var/run/docker.sock": SOCKET}, SOCKET, f"a mounts {SOCKET} of the host"),
    ({"privileged": "true"}, "privileged", "a asks for privileged"),
    ({"pid": "host"}, "pid", "a asks for pid: host"),
    ({"ipc": "host"}, "ipc", "a asks for ipc: host"),
    ({"network": "host", "port": ""}, "network_mode", "a asks for network_mode: host"),
    ({"capAdd": "SYS_ADMIN"}, "the right SYS_ADMIN", "a asks for the capability SYS_ADMIN"),
    ({"devices": "/dev/sda"}, "devices", "a asks for the device /dev/sda"),
    ({"gpus": "all"}, "a device of the host", "a asks for a reserved device"),
    (
        {"securityOpt": "seccomp:unconfined"},
        "security_opt seccomp:unconfined",
        "a asks for the security option seccomp:unconfined",
    ),
    (
        {"volume.d": "/d", "volumeName.d": "of-others"},
        "the volume of-others of the host",
        "the volume of-others does not belong to the stack",
    ),
)


def test_the_table_has_every_key_beyond_the_container() -> None:
    named = {key.partition("./")[0].partition(".d")[0].rstrip(".") for config, _, _ in REACHING for key in config}
    assert {key.name.rstrip(".") for key in PRIVILEGES} <= named


@pytest.mark.parametrize(("config", "why", "agents"), REACHING)
def test_each_is_refused_by_name_in_the_plan_and_again_by_the_agent(
    scene: Scene, config: dict[str, str], why: str, agents: str
) -> None:
    caller, project_id = scene.caller("mallory"), scene.lane.project_id
    sources.store_graph(caller=caller, project_id=project_id, graph=graph(node("a", image="x", **config)))
    plan = f"projects/{project_id}/plan"
    for path, body in ((plan, {}), ("deployments", {"projectId": str(project_id)})):
        refused = scene.post("mallory", path, **body, **scene.where)
        assert refused.status_code == 400, refused.json()
        said = refused.json()["error"]["message"]
        assert why in said
        assert "Its owner can allow privileged services on the server's page" in said
    # Its owner allows it; the agent does what its own machine's owner has written down.
    assert let(scene, allowed=True) == 200
    planned = scene.post("mallory", plan, **scene.where)
    assert planned.status_code == 200, planned.json()
    text = stack_of(graph(node("a", image="x", **config))).files["docker-compose.yml"]
    assert agents in refusal(text)


def test_settings_of_the_hosts_kernel_are_refused_by_both() -> None:
    for name, is_own in (("net.core.somaxconn", True), ("kernel.shmmax", True), ("kernel.panic", False)):
        compose = f"services:\n  a:\n    image: x\n    sysctls:\n      {name}: 1\n"
        asked = set() if is_own else {("a", f"the kernel setting {name}")}
        assert set(privileged(compose)) == asked
        for given in ({name: 1}, [f"{name}=1"]):
            said = refusal(stack({"sysctls": given}))
            assert said == "" if is_own else f"asks for the kernel setting {name}" in said


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"hostPath./host": "/"}, "/"), ({"hostPath./var/run/docker.sock": SOCKET}, SOCKET),
        ({"privileged": "true"}, "privileged"), ({"pid": "host"}, "pid"), ({"ipc": "host"}, "ipc"),
        ({"network": "host", "port": ""}, "network_mode"), ({"capAdd": "SYS_ADMIN"}, "the right SYS_ADMIN"),
        ({"capAdd": "net_raw"}, "the right NET_RAW"), ({"devices": "/dev/sda"}, "devices"),
        ({"gpus": "all"}, "a device of the host"),
        ({"securityOpt": "seccomp:unconfined"}, "security_opt seccomp:unconfined"),
    ],
)  # fmt: skip
def test_a_key_that_reaches_the_host_is_found_in_what_is_generated(config: dict[str, str], why: str) -> None:
    stack = stack_of(graph(node("a", image="x", **config)))
    assert set(privileged(stack.files["docker-compose.yml"])) == {("a", why)}


def test_keys_that_stay_in_the_container_are_not_taken_for_more() -> None:
    config = {"capDrop": "ALL", "capAdd": "CHOWN cap_setuid", "network": "none", "tmpfs./run": "", "volume.x": "/x"}
    text = stack_of(graph(node("a", image="x", env__X="devices:\n    privileged: true\n", **config))).files
    assert set(privileged(text["docker-compose.yml"])) == set()
