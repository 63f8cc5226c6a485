"""What an agent proved while nobody could hear it counts: silence alone decided otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db.models.functions import Now

from agents.models import Agent, CommandRecord
from agents.states import CommandOutcome
from agents.types import CommandFinished, ServiceObserved
from deployments.models import Deployment, DeploymentEvent, DeploymentHistory
from deployments.services.lifecycle import cancel, command_ids, reconcile
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane


def give_up(lane: Lane, deployment: DeploymentRecord, *, sent: bool = False) -> None:
    """It ran past its deadline; `sent`: the order to go back may have reached the agent."""
    Deployment.objects.filter(pk=deployment.id).update(deadline_at=Now())
    assert reconcile.expire_active(at=lane.now()) == 1
    if sent:
        CommandRecord.objects.filter(pk=command_ids.revert_command_id(deployment.id)).update(status="sent", attempts=1)


def revert_of(deployment: DeploymentRecord) -> CommandRecord:
    return CommandRecord.objects.get(pk=command_ids.revert_command_id(deployment.id))


def proof(deployment: DeploymentRecord, **changes: Any) -> tuple[ServiceObserved, ...]:
    return tuple(
        replace(
            ServiceObserved(
                node_id=state.node_id,
                service_name=state.name,
                state="running",
                health="healthy",
                image_digest=f"sha256:{state.image}",
                replicas=state.replicas,
                healthy_replicas=state.replicas,
            ),
            **changes,
        )
        for state in factories.reload(deployment.id).services
    )


@pytest.fixture
def started(lane: Lane) -> DeploymentRecord:
    return lane.start(lane.ask())


def test_it_is_a_success_and_the_order_to_go_back_is_withdrawn(lane: Lane, started: DeploymentRecord) -> None:
    give_up(lane, started)
    assert revert_of(started).payload["keep_proven"] is True
    now = lane.succeed(started)
    assert (now.status, now.reason) == (Status.SUCCESS, Reason.NONE)
    assert revert_of(started).status == "withdrawn"
    assert DeploymentHistory.objects.get().deployment_id == started.id
    told = DeploymentEvent.objects.filter(type="deployment.status_changed").order_by("-sequence")[0].payload
    assert (told["from"], told["to"]) == ("failed", "success")


@pytest.mark.parametrize(("protocol", "ends"), [(1, Status.FAILED), (2, Status.SUCCESS)])
def test_an_order_on_its_way_decides_unless_the_agent_knows_to_leave_what_is_proven(
    lane: Lane, started: DeploymentRecord, protocol: int, ends: Status
) -> None:
    Agent.objects.update(protocol=protocol)
    give_up(lane, started, sent=True)
    assert lane.succeed(started).status is ends


def test_the_answer_to_the_order_brings_the_proof(lane: Lane, started: DeploymentRecord) -> None:
    give_up(lane, started, sent=True)
    now = lane.revert(started, outcome=CommandOutcome.SUCCEEDED, services=proof(started))
    assert now.status is Status.SUCCESS


def test_without_proof_it_stays_failed(lane: Lane, started: DeploymentRecord) -> None:
    give_up(lane, started)
    body = CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=proof(started, health="unhealthy"))
    assert lane.report(started, body).status is Status.FAILED
    assert revert_of(started).status == "queued"


def test_what_a_person_cancelled_stays_cancelled(lane: Lane, started: DeploymentRecord) -> None:
    cancel.cancel_deployment(caller=lane.caller, deployment_id=started.id, at=lane.now())
    assert revert_of(started).payload["keep_proven"] is False
    give_up(lane, started)
    assert lane.succeed(started).reason is Reason.CANCELLED
    assert revert_of(started).status == "queued"


def test_it_is_not_put_behind_what_succeeded_after_it(lane: Lane, started: DeploymentRecord) -> None:
    give_up(lane, started)
    newer = lane.deployed()
    assert lane.succeed(started).status is Status.FAILED
    assert DeploymentHistory.objects.get().deployment_id == newer.id


def test_a_newer_one_that_failed_is_none(lane: Lane, started: DeploymentRecord) -> None:
    give_up(lane, started)
    lane.fail(lane.start(lane.ask()))
    assert lane.succeed(started).status is Status.SUCCESS


def test_a_rollback_that_is_proven_late_undoes_what_it_was_to_undo(lane: Lane) -> None:
    lane.deployed()
    second = lane.deployed()
    rollback = lane.start(lane.ask_rollback(second))
    give_up(lane, rollback)
    assert factories.reload(second.id).status is Status.FAILED
    assert lane.succeed(rollback).status is Status.SUCCESS
    assert factories.reload(second.id).status is Status.ROLLED_BACK


def test_reports_that_are_missing_before_the_end_do_not_keep_it_away(lane: Lane, started: DeploymentRecord) -> None:
    """The command is closed by then: nobody waits for its log any more."""
    give_up(lane, started)
    CommandRecord.objects.filter(kind="deploy").update(last_report_number=0)
    body = CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=proof(started))
    assert lane.report(started, body, number=40).status is Status.SUCCESS


# ---- a success is held against what was ordered ----


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_digest": "sha256:other"}, "was ordered"),
        ({"healthy_replicas": 0}, "0 of 1 copies"),
        ({"service_name": "stranger"}, "not ordered"),
    ],
)
def test_a_rollback_of_other_images_copies_or_services_is_none(lane: Lane, changes: dict[str, Any], said: str) -> None:
    lane.deployed()
    second = lane.deployed()
    rollback = lane.start(lane.ask_rollback(second))
    now = lane.report(rollback, CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=proof(rollback, **changes)))
    assert (now.status, now.reason) == (Status.FAILED, Reason.UNHEALTHY)
    assert said in now.message


def test_a_deployment_with_too_few_copies_is_no_success(lane: Lane, started: DeploymentRecord) -> None:
    body = CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=proof(started, healthy_replicas=0))
    assert "0 of 1 copies" in lane.report(started, body).message
