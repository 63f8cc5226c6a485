"""Jobs on their way from the graph to the agent's order."""

from __future__ import annotations

from typing import Any

from agents.models import Agent
from deployments.services.projects import sources
from deployments.services.requests import make_plan
from deployments.states import Reason, Status
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


def test_an_agent_that_knows_no_jobs_is_given_none(lane: Lane) -> None:
    Agent.objects.update(understands={"deploy": 3})
    store(lane)
    refused = lane.start(lane.ask())
    assert (refused.status, refused.reason) == (Status.FAILED, Reason.INVALID)
    assert "too old to run jobs" in refused.message
