"""What will happen, told beforehand; and a deployment that is held to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.models import Deployment, Project, ProjectSecret, User
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.requests import make_plan
from deployments.states import Reason, Status
from deployments.types import DeployRequest
from tests import factories
from tests.deployments.lane import Lane

CANARY = "canary-03d7-ñ$"


def plan(lane: Lane, **fields: object) -> make_plan.PlannedDeployment:
    return make_plan.plan_deployment(caller=lane.caller, request=lane.request(**fields))


def actions(planned: make_plan.PlannedDeployment) -> dict[str, str]:
    return {change.service: change.action for change in planned.changes}


def test_the_first_deployment_creates_everything(lane: Lane) -> None:
    planned = plan(lane)
    assert actions(planned) == {"web": "create", "db": "create"}
    assert f"approval {planned.approval}" in planned.text
    assert not Deployment.objects.exists()


def test_a_plan_names_what_changes_and_why_never_a_value(lane: Lane) -> None:
    lane.deployed(env_vars={"API_KEY": CANARY})
    assert actions(plan(lane, env_vars={"API_KEY": CANARY})) == {"web": "keep", "db": "keep"}
    restarted = plan(lane, env_vars={"API_KEY": f"{CANARY}2"})
    assert actions(restarted) == {"web": "restart", "db": "restart"}
    assert "API_KEY" in restarted.text
    assert CANARY not in repr(restarted)
    lane.store_graph(web="web:2", db="db:1")
    lane.store_graph(web="web:2")
    assert actions(plan(lane, env_vars={"API_KEY": CANARY})) == {"web": "replace", "db": "remove"}


def test_a_rollback_is_planned_against_what_runs_now(lane: Lane) -> None:
    lane.deployed(env_vars={"API_KEY": CANARY})
    lane.store_graph(web="web:2", db="db:1")
    second = lane.deployed(env_vars={"API_KEY": CANARY})
    lane.store_graph(web="web:3")  # the graph as it is now plays no part
    planned = make_plan.plan_rollback(caller=lane.caller, deployment_id=second.id)
    assert actions(planned) == {"web": "replace", "db": "keep"}
    assert "v1" in planned.warnings[0]
    lane.deployed()
    assert "v3 runs there now" in make_plan.plan_rollback(caller=lane.caller, deployment_id=second.id).warnings[1]


def test_an_approved_plan_that_still_holds_is_carried_out(lane: Lane) -> None:
    lane.deployed()
    request = {"env_vars": {"API_KEY": CANARY}}
    assert lane.deployed(**request, approval=plan(lane, **request).approval).status is Status.SUCCESS


def change_graph(lane: Lane) -> None:
    lane.store_graph(web="web:2", db="db:1")


def change_settings(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(health_window=99)


def run_another(lane: Lane) -> None:
    lane.deployed()


CHANGES: dict[str, Callable[[Lane], None]] = {
    "graph": change_graph,
    "settings": change_settings,
    "running": run_another,
}


@pytest.mark.parametrize("part", sorted(CHANGES))
def test_what_changed_since_the_plan_refuses_it_and_is_named(lane: Lane, part: str) -> None:
    lane.deployed()
    approval = plan(lane).approval
    CHANGES[part](lane)
    with pytest.raises(Conflict, match=part) as caught:
        lane.ask(approval=approval)
    assert list(caught.value.details) == [part]


def test_another_environment_than_the_approved_one_is_refused(lane: Lane) -> None:
    approval = plan(lane, env_vars={"API_KEY": CANARY}).approval
    with pytest.raises(Conflict) as caught:
        lane.ask(env_vars={"API_KEY": "other"}, approval=approval)
    assert list(caught.value.details) == ["environment"]
    with pytest.raises(Invalid) as refused:
        lane.ask(approval="approved!")
    assert list(refused.value.details) == ["approval"]


def test_what_changes_while_it_waits_ends_it_before_anything_is_touched(lane: Lane) -> None:
    approval = plan(lane).approval
    holder = lane.start(lane.ask())
    # Started meanwhile, so already the request would be refused: as if both came at once.
    with pytest.raises(Conflict, match="running"):
        lane.ask(approval=approval)
    waiting = lane.ask()
    Deployment.objects.filter(pk=waiting.id).update(approval=approval)
    lane.succeed(holder)
    ended = lane.start(waiting)
    assert (ended.status, ended.reason, ended.started_at) == (Status.FAILED, Reason.INVALID, None)
    assert "running" in ended.message


def test_a_secret_of_the_graph_counts_too(lane: Lane) -> None:
    graph = {"nodes": [{"id": "n-db", "type": 2, "data": {"serviceName": "db", "config": DATABASE}}], "edges": []}
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=graph)
    approval = plan(lane).approval
    waiting = lane.ask(approval=approval)
    again = {**graph, "nodes": [{**graph["nodes"][0], "data": {"serviceName": "db", "config": OTHER_PASSWORD}}]}
    assert sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=again).version == 2
    ended = lane.start(waiting)
    assert ended.reason is Reason.INVALID
    assert "the variables" in ended.message


DATABASE = {"databaseType": "postgresql", "password": CANARY}
OTHER_PASSWORD = {"databaseType": "postgresql", "password": "other"}


def warned(lane: Lane) -> list[str]:
    """What a plan warns of, beside that this agent does not observe."""
    return [each for each in plan(lane).warnings if "deployed last" not in each]


def test_a_plan_says_when_it_is_not_certain_what_runs(lane: Lane) -> None:
    lane.deployed()
    assert warned(lane) == []
    working = lane.start(lane.ask())
    assert "in progress" in warned(lane)[0]
    lane.fail(working)
    assert "not confirmed" in warned(lane)[0]
    lane.restore(lane.start(lane.ask()))
    assert warned(lane) == []


def test_only_who_may_deploy_sees_plans(lane: Lane, stranger: User) -> None:
    deployed = lane.deployed()
    request = DeployRequest(project_id=lane.project_id, target=lane.target)
    for refused in (NotFound, Forbidden):
        with pytest.raises(refused):
            make_plan.plan_deployment(caller=caller_of(stranger), request=request)
        with pytest.raises(refused):
            make_plan.plan_rollback(caller=caller_of(stranger), deployment_id=deployed.id)
        if refused is NotFound:
            factories.add_member(Project.objects.get(pk=lane.project_id), stranger, role="viewer")


def test_planning_stores_the_key_of_the_fingerprints_and_nothing_else(lane: Lane) -> None:
    for _ in range(2):
        plan(lane, env_vars={"API_KEY": CANARY})
    assert list(ProjectSecret.objects.values_list("key", flat=True)) == ["internal.fingerprint"]
