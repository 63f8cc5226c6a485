"""A plan promises only what can be kept, and a repeat needs nothing typed again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.models import Agent
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.models import Deployment, User
from deployments.services.permissions.access import caller_of
from deployments.services.requests import make_plan, repeat, scale
from deployments.states import Status
from tests.deployments.lane import Lane

SECRET = "canary-of-a-repeat"


def plan(lane: Lane, **fields: object) -> make_plan.PlannedDeployment:
    return make_plan.plan_deployment(caller=lane.caller, request=lane.request(**fields))


def test_a_server_without_an_agent_is_refused_and_one_that_is_away_is_named(lane: Lane) -> None:
    away = datetime.now(UTC) - timedelta(hours=1)
    Agent.objects.filter(pk=lane.agent.pk).update(last_seen_at=away)
    assert f"last seen {away:%Y-%m-%d %H:%M:%S} UTC" in plan(lane).warnings[0]
    Agent.objects.filter(pk=lane.agent.pk).update(revoked_at=away)
    with pytest.raises(Conflict, match=f"No agent is installed on {lane.server.name}") as refused:
        plan(lane)
    assert refused.value.details == {"serverId": "no agent"}


def test_recreating_everything_is_planned_as_that(lane: Lane) -> None:
    lane.deployed()
    assert {change.action for change in plan(lane).changes} == {"keep"}
    assert {(change.action, change.reasons) for change in plan(lane, force_redeploy=True).changes} == {
        ("replace", ("recreated as asked",))
    }


def test_who_plans_beside_one_that_failed_and_was_restored_gets_what_was_seen(lane: Lane) -> None:
    lane.deployed()
    approval = plan(lane).approval
    lane.restore(lane.start(lane.ask()))
    assert lane.start(lane.ask(approval=approval)).status is Status.IN_PROGRESS


def test_scaling_is_refused_before_it_is_promised(lane: Lane) -> None:
    lane.deployed()
    asked: dict[str, Any] = {"caller": lane.caller, "project_id": lane.project_id, "target": lane.target}
    scale.check_scale(**asked, service_name="web", replicas=2)
    with pytest.raises(Invalid):
        scale.check_scale(**asked, service_name="web", replicas=100_000)
    assert Deployment.objects.count() == 1


def test_a_repeat_has_the_variables_of_the_first_and_only_for_who_may_deploy(lane: Lane, stranger: User) -> None:
    first = lane.deployed(env_vars={"API_KEY": SECRET})
    asked = {"project_id": lane.project_id, "deployment_id": first.id}
    assert repeat.variables_of(caller=lane.caller, **asked) == {"API_KEY": SECRET}
    with pytest.raises((NotFound, Forbidden)):
        repeat.variables_of(caller=caller_of(stranger), **asked)
    Deployment.objects.filter(pk=first.id).update(env_vars={"API_KEY": ""})
    with pytest.raises(Conflict, match="no longer kept"):
        repeat.variables_of(caller=lane.caller, **asked)


@pytest.mark.parametrize("text", ["x" * 501, "two\nlines", "bell\a"])
def test_a_description_is_one_line(lane: Lane, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        lane.ask(description=text)
    assert list(refused.value.details) == ["description"]
    assert lane.ask(description="Fix the basket, 3f2c1ab").description == "Fix the basket, 3f2c1ab"
