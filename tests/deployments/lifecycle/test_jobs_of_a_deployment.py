"""Jobs on their way from the graph to the agent's order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from agents.models import Agent
from agents.transport.wire.hellos import needed_version
from agents.types import DeployCommand, JobSpec, ServiceSpec
from deployments.services.projects import sources
from deployments.services.requests import make_plan, restart
from deployments.states import Reason, Status
from tests import factories
from tests.deployments.lane import Lane


def store(lane: Lane) -> None:
    def node(name: str, **config: str) -> dict[str, Any]:
        return {"id": f"n-{name}", "type": 1, "data": {"serviceName": name, "config": {"image": "b:1", **config}}}

    graph = {
        "nodes": [node("api"), node("migrate", run="once-before", **{"secret.TOKEN": "t0ken"})],
        "edges": [{"id": "e", "source": "n-api", "target": "n-migrate", "type": 2}],
    }
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=graph)


def test_the_agent_is_ordered_to_run_it_and_a_rollback_orders_none(lane: Lane) -> None:
    Agent.objects.update(understands={"deploy": 4})
    store(lane)
    plan = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert any("The job migrate runs to its end first, before api." in warning for warning in plan.warnings)
    assert [change.service for change in plan.changes] == ["api"]
    first = lane.deployed()
    assert [state.name for state in first.services] == ["api"]
    (job,) = lane.command(first)["jobs"]
    assert job["service"]["name"] == "migrate"
    assert job["service"]["content_hash"] == first.config["hashes"]["migrate"]
    assert first.status is Status.SUCCESS
    second = lane.deployed()
    back = lane.start(lane.ask_rollback(second))
    assert lane.command(back)["pinned_images"].keys() == {"api"}


def test_the_plan_of_a_rollback_names_the_jobs_that_have_run_since(lane: Lane) -> None:
    Agent.objects.update(understands={"deploy": 6})
    store(lane)
    lane.deployed()
    second = lane.deployed()

    def said() -> list[str]:
        plan = make_plan.plan_rollback(caller=lane.caller, deployment_id=second.id)
        return [warning for warning in plan.warnings if warning.startswith("Jobs that have run since")]

    assert said() == ["Jobs that have run since v1: migrate. What they did to data is not undone."]
    project = factories.project_of(lane.project_id)
    soon = max(datetime.now(UTC), lane.now()) + timedelta(hours=1)
    factories.make_job_run(project, lane.server, started_at=soon, state="failed")
    factories.make_job_run(project, lane.server, started_at=soon)
    factories.make_job_run(project, lane.server, started_at=None, state="missed")
    assert "migrate, nightly (2 times)." in said()[0]


def test_a_job_is_run_by_hand_with_what_runs(lane: Lane) -> None:
    Agent.objects.update(understands={"deploy": 6})
    store(lane)
    first = lane.deployed()
    named: dict[str, Any] = {
        "caller": lane.caller,
        "project_id": lane.project_id,
        "target": lane.target,
        "service_name": "migrate",
    }
    plan = make_plan.plan_restart(**named)
    assert any("The job migrate runs to its end, with the image" in warning for warning in plan.warnings)
    assert {change.action for change in plan.changes} == {"keep"}
    asked = restart.restart_service(**named, deployment_id=uuid4(), request_id="once", at=lane.now())
    again = restart.restart_service(**named, deployment_id=uuid4(), request_id="once", at=lane.now())
    assert again.id == asked.id
    told = lane.command(lane.start(asked))
    assert (told["restarts"], told["pinned_images"].keys()) == (["migrate"], {"api"})
    assert told["jobs"] == lane.command(first)["jobs"]


@pytest.mark.parametrize(
    ("by_hand", "asked_for", "version"), [(False, False, 1), (True, False, 6), (False, True, 6), (True, True, 6)]
)
def test_an_older_agent_is_sent_no_job_by_hand(*, by_hand: bool, asked_for: bool, version: int) -> None:
    spec = ServiceSpec(node_id="n", name="seed", image="b:1")
    stays = ServiceSpec(node_id="m", name="api", image="b:1")
    command = DeployCommand(
        stack_name="s",
        files={},
        services=(stays,),
        restarts=("seed",) if asked_for else (),
        jobs=(JobSpec(service=spec, by_hand=by_hand),),
    )
    assert needed_version(command) == version


def test_an_agent_that_knows_no_jobs_is_given_none(lane: Lane) -> None:
    Agent.objects.update(understands={"deploy": 3})
    store(lane)
    refused = lane.start(lane.ask())
    assert (refused.status, refused.reason) == (Status.FAILED, Reason.INVALID)
    assert "too old to run jobs" in refused.message
