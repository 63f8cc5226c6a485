"""A drawing that reaches for the host: a service with the Docker socket is root on the server of somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.models import CommandRecord, Server
from deployments.models import Deployment, DeploymentHistory
from deployments.services import sources
from deployments.services.privileges import privileged
from deployments.states import Reason, Status
from tests import factories
from tests.attacks.cast import Scene, make_scene

GOLDEN = Path(__file__).parent.parent / "golden"
SOCKET = "/var/run/docker.sock"


def reaching() -> dict[str, Any]:
    """A gateway that is given the socket."""
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


def test_it_is_refused_by_name_before_anything_is_stored(scene: Scene) -> None:
    for answer in (
        scene.deploy("mallory"),
        scene.deploy("ops"),
        scene.post("mallory", f"projects/{scene.lane.project_id}/plan", **scene.where),
    ):
        assert answer.status_code == 400
        assert f"edge ({SOCKET})" in answer.json()["detail"]
    assert not Deployment.objects.exists()


def test_only_the_servers_owner_allows_it(scene: Scene) -> None:
    path = f"/api/servers/{scene.lane.server.id}"
    for name in ("mallory", "bob"):
        body = {"privilegedAllowed": True}
        assert scene.api(name).patch(path, body, format="json").status_code == 404
    assert Server.objects.filter(privileged_allowed=True).count() == 0
    assert let(scene, allowed=True) == 200
    assert scene.deployed("mallory").status is Status.SUCCESS


def test_it_is_asked_again_at_the_start(scene: Scene) -> None:
    let(scene, allowed=True)
    waiting = scene.asked("mallory")
    let(scene, allowed=False)
    ended = scene.started(waiting)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.INVALID)
    assert f"edge ({SOCKET})" in ended.message
    assert not CommandRecord.objects.exists()


def test_neither_a_rollback_nor_more_copies_bring_it_back(scene: Scene) -> None:
    let(scene, allowed=True)
    first, second = scene.deployed("mallory"), scene.deployed("mallory")
    scale = {"serviceName": "web", "replicas": 2, **scene.where}
    waiting = [
        scene.post("mallory", f"deployments/{second.id}/rollback", targetDeploymentId=str(first.id)),
        scene.post("mallory", f"projects/{scene.lane.project_id}/scale", **scale),
    ]
    let(scene, allowed=False)
    for answer in (
        scene.post("mallory", f"deployments/{second.id}/rollback", targetDeploymentId=str(first.id)),
        scene.api("mallory").get(f"/api/deployments/{second.id}/rollback/plan"),
        scene.post("mallory", f"projects/{scene.lane.project_id}/scale", **scale),
    ):
        assert answer.status_code == 400
    for answer in waiting:
        made = factories.reload(answer.json()["deployment"]["id"])
        assert scene.started(made).reason is Reason.INVALID
    assert DeploymentHistory.objects.count() == 2


def test_all_that_leaves_its_container_is_found_in_what_was_generated() -> None:
    for case in GOLDEN.glob("*/expected/docker-compose.yml"):
        found = set(privileged(case.read_text()))
        assert {why for _, why in found} <= {SOCKET}
        assert bool(found) == (SOCKET in case.read_text())
    first = '  a:\n    privileged: true\n    volumes:\n      - data:/data\n      - "/:/host"\n      - ./x:/x\n'
    second = '  b:\n    cap_add:\n      - SYS_ADMIN\n    environment:\n      PRIVILEGED: "/x:/y"\n'
    wild = f"services:\n{first}{second}volumes:\n  a:\n    pid: x\n"
    assert set(privileged(wild)) == {("a", "privileged"), ("a", "/"), ("a", "./x"), ("b", "cap_add")}
