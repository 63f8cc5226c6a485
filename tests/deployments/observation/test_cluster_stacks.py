"""How a stack on a cluster is: told by one manager's agent at a time, task by task, joined with their nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import TASKS_PROTOCOL
from agents.models import Agent
from agents.reports.swarm_seen import TasksTold
from agents.services import directory
from agents.transport.wire.tasks import left_out, tasks_from_wire
from axion_deploy.terminal.screen import Screen
from deployments.data.log_types import LogQuery
from deployments.models import Deployment, Incident, ObservedStack, ObservedSwarm, Project, StackDrift
from deployments.rules.observed import ObservedState
from deployments.services.fleet import machine_changes
from deployments.services.incidents.watch import StackWatch
from deployments.services.logs.open import _places, ask_for_logs
from deployments.services.observation import drift, stacks
from deployments.services.observation.record_tasks import record_tasks
from deployments.services.queries import lane_view, stack_list
from deployments.services.upkeep import watch_stacks
from deployments.types import lane_of
from tests.deployments.lifecycle.test_swarm_clusters import SWARM_ID, ClusterLane, farm, lose, make_manager, named

__all__ = ["farm"]
pytestmark = pytest.mark.django_db


class Told:
    """What managers' agents tell of the project's tasks."""

    def __init__(self, farm: ClusterLane) -> None:
        self.farm = farm
        for name in ("alpha", "beta"):
            self.connect(name)

    def connect(self, name: str) -> None:
        rows = Agent.objects.filter(pk=named(name))
        rows.update(session_id=uuid4(), protocol=TASKS_PROTOCOL, last_seen_at=datetime.now(UTC))

    def task(self, service: str, slot: int = 1, **fields: Any) -> pb.TaskSeen:
        known: dict[str, Any] = {
            "id": f"{service}-{slot}",
            "name": f"stack_{service}.{slot}",
            "project_id": str(self.farm.project_id),
            "service_name": service,
            "image_id": f"sha256:{service}:1",
            "state": "running",
            "host": f"node-{slot}",
            "changed_at_ms": 1000,
        }
        return pb.TaskSeen(**{**known, **fields})

    def by(self, name: str, *tasks: pb.TaskSeen, swarm_id: str = SWARM_ID, **fields: Any) -> None:
        message = pb.TasksSeen(swarm_id=swarm_id, tasks=tasks, **fields)
        agent = Agent.objects.get(pk=named(name))
        assert agent.session_id is not None
        told = TasksTold(
            agent_id=agent.id,
            session_id=agent.session_id,
            swarm_id=message.swarm_id,
            tasks=tasks_from_wire(message),
            left_out=left_out(message),
        )
        record_tasks(told=told)

    @property
    def state(self) -> ObservedState:
        return stacks.seen_stacks(project_id=self.farm.project_id)[self.farm.cluster.id].state


@pytest.fixture
def told(farm: ClusterLane) -> Told:
    farm.store_graph(web="web:1", db="db:1")
    farm.deployed()
    return Told(farm)


def test_the_state_of_a_stack_is_that_of_its_tasks_and_their_nodes(told: Told) -> None:
    assert told.state.condition == "unknown"
    assert "has told" in told.state.message
    told.by("alpha", told.task("web"), told.task("db", 2))
    assert told.state.condition == "running"
    shape = lane_view.seen_shapes(caller=told.farm.caller, project_id=told.farm.project_id)[str(told.farm.cluster.id)]
    tasks = {
        each["serviceName"]: [(task["host"], task["state"]) for task in each["tasks"]] for each in shape["services"]
    }
    assert tasks == {"web": [("node-1", "running")], "db": [("node-2", "running")]}

    # Swarm goes on to say "running" of what a node that is down had.
    told.by("alpha", told.task("web"), told.task("db", 2, lost=True))
    assert (told.state.condition, told.state.message) == ("degraded", "db: its container is missing. node-2 is down.")
    told.by("alpha", told.task("web"), told.task("db", 2, state="pending", host="", error="no suitable node"))
    assert told.state.message == "db: its container is missing. no suitable node."
    (line,) = stack_list.list_stacks(caller=told.farm.caller).lines
    Screen(as_json=False, out=(shown := StringIO())).stack(line, at=datetime.now(UTC))
    assert "    stack_web.1 on node-1, running\n" in shown.getvalue()
    assert "    stack_db.2 on no server, waiting: no suitable node\n" in shown.getvalue()
    told.by("alpha", told.task("web", failures=2, exit_code=3, state="starting"), told.task("db", 2))
    assert (told.state.condition, told.state.message) == (
        "restarting", "web keeps restarting (2 times): it exited with code 3.",
    )  # fmt: skip
    told.by("alpha")
    assert told.state.condition == "gone"
    # Of which too many run to tell, nobody knows how they are.
    told.by("alpha", told.task("web"), left_out=7)
    assert (told.state.condition, "7 tasks more" in told.state.message) == ("unknown", True)
    (line,) = stack_list.list_stacks(caller=told.farm.caller).lines
    assert (line.server_name, line.seen.state.condition) == ("farm", "unknown")


def test_one_manager_speaks_and_another_one_goes_on_when_it_is_silent(told: Told) -> None:
    told.by("beta")
    assert told.state.condition == "unknown"
    told.by("alpha", told.task("web"), told.task("db"))
    told.by("beta")
    assert told.state.condition == "running"
    lose("alpha")
    assert told.state.condition == "unknown"
    told.by("beta", told.task("web"))
    assert told.state.condition == "degraded"
    # The first one is back, on another session: its word is awaited, not what it said before.
    told.connect("alpha")
    assert told.state.condition == "unknown"
    told.by("alpha", told.task("web"), told.task("db"))
    assert told.state.condition == "running"
    # Without a quorum nobody can know.
    for name in ("alpha", "beta"):
        row = Agent.objects.get(pk=named(name))
        Agent.objects.filter(pk=row.pk).update(swarm={**(row.swarm or {}), "control_available": False})
    assert (told.state.condition, "no quorum" in told.state.message) == ("unknown", True)
    Agent.objects.filter(pk=named("alpha")).update(protocol=TASKS_PROTOCOL - 1)
    Agent.objects.filter(pk=named("alpha")).update(swarm=make_facts("alpha"))
    assert "too old" in told.state.message


def make_facts(name: str) -> dict[str, Any]:
    return {"role": "manager", "swarm_id": SWARM_ID, "node_id": f"node-{name}", "control_available": True}


def test_a_manager_of_another_swarm_and_projects_that_were_not_deployed_there_are_not_believed(told: Told) -> None:
    told.by("alpha", told.task("web"), told.task("db"))
    make_manager(told.farm.owner, told.farm.cluster, "gamma", swarm_id="another")
    told.connect("gamma")
    told.by("gamma", swarm_id="another")
    told.by("gamma")
    assert told.state.condition == "running"
    stranger = told.task("web", 9, project_id=str(uuid4()), id="other")
    told.by("alpha", told.task("web"), told.task("db"), stranger)
    assert told.state.condition == "running"


def proven(told: Told, **services: pb.SwarmServiceSeen) -> None:
    """Have what is set up so be what was meant."""
    meant = {name: {"settings": dict(each.settings), "shown": dict(each.shown)} for name, each in services.items()}
    row = StackDrift.objects.get(server_id=told.farm.cluster.id)
    row.meant = [{**each, **meant.get(each["name"], {})} for each in row.meant]
    row.save()


def differences(told: Told) -> set[tuple[str, str]]:
    # A moment after the deployment.
    StackDrift.objects.update(due_at=datetime.now(UTC) - timedelta(days=1))
    drift.compare_due(limit=10)
    found = drift.differences_of(project_id=told.farm.project_id, server_id=told.farm.cluster.id)
    return {(each.service, str(each.aspect)) for each in found}


def test_what_somebody_changed_in_the_swarm_is_told_and_a_lost_node_is_no_change(told: Told) -> None:
    settings = {"key": "1:abc", "env": "one"}
    web = pb.SwarmServiceSeen(project_id=str(told.farm.project_id), service_name="web", settings=settings)
    db = pb.SwarmServiceSeen(project_id=str(told.farm.project_id), service_name="db", settings=settings)
    proven(told, web=web, db=db)
    told.by("alpha", told.task("web"), told.task("db", lost=True), services=[web, db])
    assert differences(told) == set()
    web.settings["env"] = "two"
    told.by(
        "alpha", told.task("web"), told.task("web", 2), told.task("db", image_id="sha256:other"), services=[web, db]
    )
    assert differences(told) == {("web", "env"), ("web", "extra"), ("db", "image")}


def test_a_degraded_stack_opens_an_incident_and_a_success_that_degrades_is_rolled_back(told: Told) -> None:
    Project.objects.update(soak_minutes=10)
    told.farm.store_graph(web="web:2", db="db:1")
    told.farm.deployed()
    image = "sha256:web:2"
    told.by("alpha", told.task("web", image_id=image), told.task("db"))
    told.by("alpha", told.task("web", image_id=image, failures=3, exit_code=1, state="starting"), told.task("db"))
    assert told.state.condition == "restarting"
    StackWatch().judge_projects(project_ids=[told.farm.project_id], at=datetime.now(UTC))
    opened = Incident.objects.get(server_id=told.farm.cluster.id)
    assert (opened.cause, opened.services) == ("restarting", ["web"])
    assert watch_stacks.watch(at=datetime.now(UTC)) >= 1
    asked = Deployment.objects.get(kind="rollback")
    assert (asked.target_id, (asked.cause or {})["kind"]) == (told.farm.cluster.id, "soak")


def test_logs_are_asked_of_every_node_that_has_an_agent(told: Told) -> None:
    farm = told.farm
    lose("beta")
    query = LogQuery(project_id=farm.project_id)
    opened = ask_for_logs(query=query, request_id=uuid4())
    lane = lane_of(project_id=farm.project_id, target_id=farm.cluster.id)
    assert [(each.server_name, each.agent_id, each.lane) for each in opened.sources] == [
        ("alpha", named("alpha"), lane)
    ]
    assert [remark.split(":")[0] for remark in opened.remarks] == ["beta"]
    # Where the project runs on one of the servers by itself, too, an agent is asked about that alone.
    places, twice = _places([farm.cluster.id, Agent.objects.get(pk=named("alpha")).server_id])
    assert ([target for _, target in places if target != farm.cluster.id], twice) == (
        [Agent.objects.get(pk=named("alpha")).server_id],
        ["alpha"],
    )


def test_what_is_known_of_a_cluster_goes_with_it(told: Told) -> None:
    told.by("alpha", told.task("web"), told.task("db"))
    assert (ObservedStack.objects.count(), ObservedSwarm.objects.count(), StackDrift.objects.count()) == (1, 1, 1)
    cluster = directory.get_cluster(cluster_id=told.farm.cluster.id)
    with transaction.atomic():
        machine_changes.take_away_cluster(cluster=cluster, by=told.farm.caller)
    assert (ObservedStack.objects.count(), ObservedSwarm.objects.count(), StackDrift.objects.count()) == (0, 0, 0)
