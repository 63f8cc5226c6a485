"""Stopping and scaling are deployments of their own kind in the same lane and history."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.models import Deployment, DeploymentEvent, DeploymentHistory, Project, User
from deployments.services.lifecycle import prepare as preparing
from deployments.services.permissions.access import caller_of
from deployments.services.requests import make_plan
from deployments.services.requests.restart import restart_service
from deployments.services.requests.scale import scale_service
from deployments.services.requests.stop import stop_project
from deployments.services.secrets import variables
from deployments.states import Status
from deployments.types import Caller, DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane

CANARY = "canary-77aa-é$"


def stop(lane: Lane, *, caller: Caller | None = None, request_id: str = "") -> DeploymentRecord:
    return stop_project(
        caller=caller or lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        deployment_id=uuid4(),
        request_id=request_id,
        at=lane.now(),
    )


def scale(lane: Lane, service: str, replicas: int, *, caller: Caller | None = None) -> DeploymentRecord:
    return scale_service(
        caller=caller or lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        service_name=service,
        replicas=replicas,
        deployment_id=uuid4(),
        at=lane.now(),
    )


def copies(lane: Lane, deployment: DeploymentRecord) -> dict[str, int]:
    return {service["name"]: service["replicas"] for service in lane.command(deployment)["services"]}


def test_a_stop_hands_over_a_stack_without_services(lane: Lane) -> None:
    deployed = lane.deployed(env_vars={"API_KEY": CANARY})
    stopped = lane.start(stop(lane))
    told = lane.command(stopped)
    assert (told["services"], told["variable_names"]) == ([], [])
    assert told["stack_name"] == lane.command(deployed)["stack_name"]
    assert "services: {}" in told["files"]["docker-compose.yml"]
    assert variables.values_for(deployment_id=stopped.id) == {}
    assert lane.succeed(stopped).status is Status.SUCCESS
    assert DeploymentHistory.objects.get(deployment=stopped.id).number == 2


def test_only_what_runs_can_be_stopped_and_once(lane: Lane) -> None:
    with pytest.raises(Conflict, match="never been started"):
        stop(lane)
    lane.deployed()
    first = stop(lane, request_id="s-1")
    assert stop(lane, request_id="s-1").id == first.id
    lane.succeed(lane.start(first))
    with pytest.raises(Conflict, match="already stopped there"):
        stop(lane)
    lane.fail(lane.start(lane.ask()))  # it may have left something behind
    assert stop(lane).status is Status.PENDING


def test_scaling_changes_one_number_and_nothing_else(lane: Lane) -> None:
    deployed = lane.deployed(env_vars={"API_KEY": CANARY})
    lane.store_graph(web="web:9", db="db:9")  # the graph as it is now plays no part
    scaled = lane.start(scale(lane, "web", 3))
    then, told = lane.command(deployed), lane.command(scaled)
    assert copies(lane, scaled) == {"web": 3, "db": 1}
    assert [service["content_hash"] for service in told["services"]] == [
        service["content_hash"] for service in then["services"]
    ]
    assert told["pinned_images"] == {"web": "sha256:web:1", "db": "sha256:db:1"}
    assert variables.values_for(deployment_id=scaled.id) == variables.values_for(deployment_id=deployed.id)
    assert (scaled.kind, scaled.env_names, scaled.graph_version) == ("scale", ("API_KEY",), deployed.graph_version)


def restarted(lane: Lane, service: str, *, request_id: str = "") -> DeploymentRecord:
    return restart_service(
        caller=lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        service_name=service,
        deployment_id=uuid4(),
        request_id=request_id,
        at=lane.now(),
    )


def test_a_restart_orders_one_service_anew_and_changes_nothing(lane: Lane) -> None:
    deployed = lane.deployed(env_vars={"API_KEY": CANARY})
    lane.succeed(lane.start(scale(lane, "web", 3)))
    lane.store_graph(web="web:9", db="db:9")  # the graph as it is now plays no part
    asked = restarted(lane, "web", request_id="r-1")
    assert restarted(lane, "web", request_id="r-1").id == asked.id
    begun = lane.start(asked)
    then, told = lane.command(deployed), lane.command(begun)
    assert told["restarts"] == ["web"]
    assert told["pinned_images"] == {"web": "sha256:web:1", "db": "sha256:db:1"}
    assert [each["content_hash"] for each in told["services"]] == [each["content_hash"] for each in then["services"]]
    assert copies(lane, begun) == {"web": 3, "db": 1}
    assert variables.values_for(deployment_id=begun.id) == variables.values_for(deployment_id=deployed.id)
    assert (begun.kind, begun.restarted_service) == ("restart", "web")
    lane.succeed(begun)
    assert copies(lane, lane.start(scale(lane, "db", 2))) == {"web": 3, "db": 2}


def test_a_restart_of_what_does_not_run_is_refused(lane: Lane) -> None:
    with pytest.raises(Conflict, match="Deploy it first"):
        restarted(lane, "web")
    lane.deployed()
    with pytest.raises(Invalid) as wrong:
        restarted(lane, "nothing")
    assert list(wrong.value.details) == ["serviceName"]


def test_the_plan_of_a_restart_names_one_service(lane: Lane) -> None:
    lane.deployed()
    plan = make_plan.plan_restart(
        caller=lane.caller, project_id=lane.project_id, target=lane.target, service_name="web"
    )
    assert {change.service: change.action == "keep" for change in plan.changes} == {"web": False, "db": True}


def test_one_scale_builds_on_the_other_and_a_rollback_brings_the_numbers_back(lane: Lane) -> None:
    lane.deployed()
    lane.succeed(lane.start(scale(lane, "web", 3)))
    both = lane.succeed(lane.start(scale(lane, "db", 2)))
    assert copies(lane, both) == {"web": 3, "db": 2}
    back = lane.succeed(lane.start(lane.ask_rollback(both)))
    assert copies(lane, back) == {"web": 3, "db": 1}
    assert copies(lane, lane.start(scale(lane, "db", 4))) == {"web": 3, "db": 4}


def test_a_scale_that_waited_scales_what_runs_by_then(lane: Lane) -> None:
    lane.deployed(env_vars={"API_KEY": "old"})
    holder = lane.start(lane.ask(env_vars={"API_KEY": CANARY, "NEW": "x"}))
    waiting = scale(lane, "web", 2)
    assert lane.start(waiting).status is Status.PENDING
    lane.succeed(holder)
    scaled = lane.start(waiting)
    assert scaled.env_names == ("API_KEY", "NEW")
    assert variables.request_env(deployment_id=scaled.id) == {"API_KEY": CANARY, "NEW": "x"}
    assert variables.values_for(deployment_id=scaled.id) == variables.values_for(deployment_id=holder.id)
    sent = DeploymentEvent.objects.get(deployment=scaled.id, type="deployment.command_sent")
    assert sent.payload["envNames"] == ["API_KEY", "NEW"]
    assert CANARY not in str(sent.payload)


def test_a_scale_never_undoes_a_success_that_came_while_it_was_prepared(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane.deployed()
    holder = lane.start(lane.ask(env_vars={"NEW": "x"}))
    waiting = scale(lane, "web", 2)
    prepare = preparing.prepare

    def prepare_then_succeed(**given: Any) -> preparing.Prepared:
        prepared = prepare(**given)
        if factories.reload(holder.id).status is Status.IN_PROGRESS:
            lane.succeed(holder)
        return prepared

    monkeypatch.setattr(preparing, "prepare", prepare_then_succeed)
    assert lane.start(waiting).status is Status.PENDING
    assert lane.start(waiting).env_names == ("NEW",)


def test_a_scale_is_not_carried_out_on_what_was_stopped_meanwhile(lane: Lane) -> None:
    lane.deployed()
    stopping = lane.start(stop(lane))
    waiting = scale(lane, "web", 2)
    lane.succeed(stopping)
    ended = lane.start(waiting)
    assert (ended.status, ended.reason) == (Status.FAILED, "invalid")
    assert "Deploy it first" in ended.message


@pytest.mark.parametrize(("service", "replicas", "field"), [("nope", 2, "serviceName"), ("web", 10**6, "replicas")])
def test_what_cannot_be_is_refused_with_its_field(lane: Lane, service: str, replicas: int, field: str) -> None:
    lane.deployed()
    with pytest.raises(Invalid) as caught:
        scale(lane, service, replicas)
    assert list(caught.value.details) == [field]
    assert not Deployment.objects.filter(kind="scale").exists()


def test_nothing_to_scale(lane: Lane) -> None:
    with pytest.raises(Conflict, match="Deploy it first"):
        scale(lane, "web", 2)
    lane.deployed()
    lane.succeed(lane.start(stop(lane)))
    with pytest.raises(Conflict, match="Deploy it first"):
        scale(lane, "web", 2)


def test_strangers_and_viewers_cannot(lane: Lane, stranger: User) -> None:
    lane.deployed()
    caller = caller_of(stranger)
    for refused in (NotFound, Forbidden):
        with pytest.raises(refused):
            stop(lane, caller=caller)
        with pytest.raises(refused):
            scale(lane, "web", 2, caller=caller)
        if refused is NotFound:
            factories.add_member(Project.objects.get(pk=lane.project_id), stranger, role="viewer")
