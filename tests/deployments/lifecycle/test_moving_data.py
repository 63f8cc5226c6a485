"""Data moves to another node of a cluster only when somebody says so, and the plan calls it what it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from knox.models import AuthToken
from rest_framework.test import APIClient

from agents.models import Agent
from agents.repositories import swarms
from agents.swarm import NodeFacts, SwarmFacts, SwarmRole
from deployments.errors import Invalid
from deployments.models import Deployment, DeploymentHistory, ObservedVolumes, User
from deployments.services.projects import sources
from deployments.services.requests import make_plan, moves
from deployments.services.requests.restart import restart_service
from deployments.states import Status
from deployments.types import DeploymentRecord
from tests.deployments.lifecycle.test_swarm_clusters import SWARM_ID, ClusterLane, farm, named
from tests.deployments.observation.test_cluster_stacks import Told

__all__ = ["farm"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def moving(farm: ClusterLane) -> ClusterLane:
    """`db` keeps data, and runs on alpha; gamma is drained, and nobody's agent is on delta."""
    nodes = tuple(
        NodeFacts(
            id=f"node-{name}",
            hostname=name,
            role="manager",
            availability="drain" if name == "gamma" else "active",
            state="ready",
        )
        for name in ("alpha", "beta", "delta", "gamma")
    )
    for name in ("alpha", "beta"):
        facts = SwarmFacts(role=SwarmRole.MANAGER, swarm_id=SWARM_ID, node_id=f"node-{name}", control_available=True)
        swarms.store(agent_id=named(name), facts=facts, nodes=nodes)
    Agent.objects.update(understands={"deploy": 10}, last_seen_at=datetime.now(UTC))
    draw(farm)
    farm.deployed()
    told = Told(farm)
    told.by("alpha", told.task("web", host="beta"), told.task("db", host="alpha"))
    return farm


def draw(farm: ClusterLane, **config: str) -> None:
    nodes = [
        {"id": f"n-{name}", "type": 1, "data": {"serviceName": name, "config": each}}
        for name, each in (("db", {"image": "db:1", "volume.DATA": "/data", **config}), ("web", {"image": "web:1"}))
    ]
    sources.store_graph(caller=farm.caller, project_id=farm.project_id, graph={"nodes": nodes, "edges": []})


def volume(farm: ClusterLane) -> str:
    (entry,) = DeploymentHistory.objects.filter(target_id=farm.cluster.id)[:1]
    names = {each["name"]: each["volumes"] for each in entry.deployment_snapshot["config"]["services"]}
    return str(names["db"][0])


def move(farm: ClusterLane, service: str, node: str) -> DeploymentRecord:
    return restart_service(
        caller=farm.caller,
        project_id=farm.project_id,
        target=farm.target,
        service_name=service,
        move_to=node,
        deployment_id=uuid4(),
        at=farm.now(),
    )


def plan(farm: ClusterLane, node: str) -> make_plan.PlannedDeployment:
    return make_plan.plan_restart(
        caller=farm.caller, project_id=farm.project_id, target=farm.target, service_name="db", move_to=node
    )


def test_the_plan_says_that_no_data_goes_along(moving: ClusterLane) -> None:
    name = volume(moving)
    planned = plan(moving, "beta")
    assert {each.service: (each.action, each.reasons) for each in planned.changes} == {
        "db": ("replace", ("moves to beta without its data",)),
        "web": ("keep", ()),
    }
    assert planned.warnings[:4] == (
        "This moves db to the node beta. No data is copied.",
        f"beta has no {name}: the service starts with an empty volume there.",
        f"The data on alpha is left there, in {name}: nothing deletes it, and only moving back uses it again.",
        "If this fails or is cancelled, the service goes back to its data. A later rollback does not move it.",
    )
    assert plan(moving, "delta").warnings[1].startswith("No agent on delta tells which volumes it has")
    # As after a move away: what lies there is used again.
    kept: list[dict[str, Any]] = [{"name": name, "project": None, "created": 0, "size": 1, "usedBy": []}]
    agent = Agent.objects.get(pk=named("beta"))
    ObservedVolumes.objects.create(
        agent_id=agent.id, server_id=agent.server_id, session_id=uuid4(), volumes=kept, observed_at=datetime.now(UTC)
    )
    assert f"beta has {name} already: the service goes on with what was left in there." in plan(moving, "beta").warnings
    # Without a node nothing is said, and nothing moves.
    assert not any("moves" in each for each in plan(moving, "").warnings)


def test_a_move_is_ordered_by_node_and_once_it_is_proven_nothing_moves_again(moving: ClusterLane) -> None:
    begun = moving.start(move(moving, "db", "beta"))
    told = moving.command(begun)
    assert (told["moves"], told["restarts"]) == ({"db": "node-beta"}, ["db"])
    assert (begun.description, begun.moves["nodeName"]) == ("Move db to beta", "beta")
    moving.follow(begun)
    assert moving.succeed(begun).status is Status.SUCCESS
    # A later deployment orders no move: the lane in the Swarm remembers where the data is.
    assert moving.command(moving.deployed())["moves"] == {}


def test_services_of_one_volume_move_together(moving: ClusterLane) -> None:
    config = {"image": "db:1", "sharedVolume.FILES": "/files"}
    nodes = [
        {"id": f"n-{name}", "type": 1, "data": {"serviceName": name, "config": config}} for name in ("db", "reader")
    ]
    sources.store_graph(caller=moving.caller, project_id=moving.project_id, graph={"nodes": nodes, "edges": []})
    moving.deployed()
    planned = plan(moving, "beta")
    assert {each.service: each.action for each in planned.changes} == {"db": "replace", "reader": "replace"}
    told = moving.command(moving.start(move(moving, "db", "beta")))
    assert told["moves"] == {"db": "node-beta", "reader": "node-beta"}
    assert sorted(told["restarts"]) == ["db", "reader"]


@pytest.mark.parametrize(
    ("service", "node", "said"),
    [
        ("db", "omega", r"The cluster has no node omega\. It has: alpha, beta, delta, gamma\."),
        ("db", "gamma", r"gamma takes no tasks at the moment: it is drain\."),
        ("web", "beta", r"web has no volume, so no data binds it to a node"),
    ],
)
def test_what_cannot_move_is_refused_by_name(moving: ClusterLane, service: str, node: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        move(moving, service, node)


def test_a_server_is_one_place(moving: ClusterLane) -> None:
    with pytest.raises(Invalid, match="a server is one place"):
        moves.resolve(target=super(ClusterLane, moving).target, config={}, service_name="db", node="beta")


def test_an_agent_that_is_too_old_would_start_it_where_it_was_and_is_refused(moving: ClusterLane) -> None:
    asked = move(moving, "db", "beta")
    Agent.objects.update(understands={"deploy": 9})
    ended = moving.start(asked)
    assert ended.status is Status.FAILED
    assert "too old to move a service to another node" in ended.message


def test_another_placement_in_the_graph_moves_nothing_and_the_plan_says_so(moving: ClusterLane) -> None:
    draw(moving, placement="node.hostname==beta")
    planned = make_plan.plan_deployment(caller=moving.caller, request=moving.request())
    (said,) = [each for each in planned.warnings if "has its data on alpha" in each]
    assert "its graph asks for node.hostname==beta: no node is both, so this would fail" in said
    assert moving.command(moving.start(moving.ask()))["moves"] == {}
    # A move against the graph that runs is named, too.
    draw(moving, placement="node.hostname != beta")
    Deployment.objects.filter(status="in_progress").update(status="failed", reason="internal")
    moving.deployed()
    assert any("which beta is not, so it could not run" in each for each in plan(moving, "beta").warnings)
    assert not any("could not run" in each for each in plan(moving, "delta").warnings)


def test_the_same_over_rest_on_the_page_and_in_the_terminal(
    moving: ClusterLane, owner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    _, token = AuthToken.objects.create(user=owner)
    owner_api = APIClient()
    owner_api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    path = f"/api/projects/{moving.project_id}/restart"
    cluster = str(moving.cluster.id)
    planned = owner_api.get(path, {"clusterId": cluster, "serviceName": "db", "moveTo": "beta"})
    assert planned.status_code == 200, planned.content
    assert "This moves db to the node beta. No data is copied." in planned.json()["data"]["plan"]["warnings"]

    browser = Client()
    browser.force_login(owner)
    page = f"/admin/deployments/project/{moving.project_id}/restart/"
    shown = browser.get(page, {"target": f"cluster:{cluster}", "service": "db"}).content.decode()
    assert "Run it on another node" in shown
    assert '<option value="node-beta">beta</option>' in shown
    # What takes no tasks is not offered, and what has no data needs no move.
    assert "node-gamma" not in shown
    assert (
        "Run it on another node"
        not in browser.get(page, {"target": f"cluster:{cluster}", "service": "web"}).content.decode()
    )
    shown = browser.get(page, {"target": f"cluster:{cluster}", "service": "db", "moveTo": "node-beta"}).content.decode()
    assert "This moves db to the node beta. No data is copied." in shown
    asked = browser.post(
        page, {"target": f"cluster:{cluster}", "service": "db", "moveTo": "node-beta", "requestId": "r"}
    )
    assert asked.status_code == 302
    assert newest(moving).moves == {"nodeId": "node-beta", "nodeName": "beta", "services": ["db"]}

    made = owner_api.post(
        path, {"clusterId": cluster, "serviceName": "db", "moveTo": "delta"}, format="json", HTTP_IDEMPOTENCY_KEY="m-1"
    )
    assert made.json()["deployment"]["movedTo"] == "delta"

    terminal = terminal_of(owner, capsys)
    said = terminal("restart", "Shop", "db", "--cluster", "farm", "--move-to", "beta", "--plan")
    assert "This moves db to the node beta. No data is copied." in said
    terminal("restart", "Shop", "db", "--cluster", "farm", "--move-to", "beta", "--no-wait")
    assert newest(moving).moves["nodeId"] == "node-beta"


def newest(farm: ClusterLane) -> Any:
    return Deployment.objects.filter(project_id=farm.project_id).latest("created_at")


def terminal_of(user: User, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            call_command("deployments", *arguments, "--user", user.username)
        told = capsys.readouterr()
        assert ended.value.code == 0, told
        return told.out

    return run
