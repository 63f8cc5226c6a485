"""Who holds a target, since when and until when; who waits; what runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.models import CommandRecord
from deployments.errors import NotFound
from deployments.models import Deployment, User
from deployments.services.lifecycle import reconcile
from deployments.services.lifecycle.cancel import cancel_deployment
from deployments.services.permissions.access import caller_of
from deployments.services.queries.lane_view import LaneView, view_lanes
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import later


def only(lane: Lane) -> LaneView:
    (view,) = view_lanes(caller=lane.caller, project_id=lane.project_id)
    return view


def test_a_lane_tells_holder_queue_and_what_runs(lane: Lane) -> None:
    assert view_lanes(caller=lane.caller, project_id=lane.project_id) == ()
    first = lane.deployed()
    holder = lane.start(lane.ask())
    waiting = [lane.ask().id for _ in range(2)]
    view = only(lane)
    assert (view.target_name, view.holder and view.holder.id, view.since) == (
        "server-1",
        holder.id,
        holder.started_at,
    )
    assert view.until == holder.deadline_at
    assert [deployment.id for deployment in view.waiting] == waiting
    assert view.running is not None
    assert view.running.deployment_id == first.id


def test_what_a_rollback_undoes_does_not_hold_the_target(lane: Lane) -> None:
    lane.deployed()
    rollback = lane.start(lane.ask_rollback(lane.deployed()))
    view = only(lane)
    assert (view.holder and view.holder.id, view.waiting) == (rollback.id, ())


def test_a_stuck_holder_is_let_go_by_its_deadline_and_the_next_starts(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = lane.start(lane.ask())
    waiting = lane.ask()
    assert stuck.deadline_at is not None
    factories.database_time(monkeypatch, stuck.deadline_at + timedelta(seconds=1))
    reconcile.reconcile(at=lane.now())
    assert factories.reload(stuck.id).reason is Reason.EXPIRED
    assert CommandRecord.objects.filter(deployment_id=stuck.id, kind="revert").exists()
    assert only(lane).holder is None
    assert lane.start(waiting).status is Status.IN_PROGRESS


def test_strangers_learn_nothing(lane: Lane, stranger: User) -> None:
    lane.deployed()
    with pytest.raises(NotFound):
        view_lanes(caller=caller_of(stranger), project_id=lane.project_id)


def cancel_is_unconfirmed(deployment: DeploymentRecord) -> bool:
    return deployment.cancel_requested_at is not None and deployment.cancel_confirmed_at is None


def test_a_cancel_is_unconfirmed_until_the_agent_has_answered(lane: Lane) -> None:
    deployment = lane.start(lane.ask())
    assert not cancel_is_unconfirmed(deployment)
    asked = cancel_deployment(caller=lane.caller, deployment_id=deployment.id, at=lane.now())
    assert cancel_is_unconfirmed(asked)
    done = lane.revert(deployment)
    assert (done.status, done.reason, cancel_is_unconfirmed(done)) == (Status.FAILED, Reason.CANCELLED, False)
    assert done.message == "Cancelled by alice. The work stopped and what ran before is back."


def test_an_agent_that_answers_too_late_is_heard_and_decides_nothing(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = lane.start(lane.ask())
    cancel_deployment(caller=lane.caller, deployment_id=deployment.id, at=lane.now())
    factories.database_time(monkeypatch, later(10_000))
    reconcile.reconcile(at=lane.now())
    settled = factories.reload(deployment.id)
    assert (settled.reason, cancel_is_unconfirmed(settled)) == (Reason.CANCELLED, True)
    assert "never confirmed" in settled.message
    late = lane.revert(deployment, previous_stack_running=False)
    assert (late.status, late.reason, cancel_is_unconfirmed(late)) == (Status.FAILED, Reason.CANCELLED, False)
    assert late.message.endswith("The agent has answered since. The work stopped and nothing of it is left.")
    assert late.completed_at == settled.completed_at


def test_a_late_answer_about_a_failed_one_says_nothing_of_its_rollback(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane.deployed()
    lost = lane.start(lane.ask())
    Deployment.objects.filter(pk=lost.id).update(deadline_at=lane.now())
    factories.database_time(monkeypatch, later(10_000))
    reconcile.reconcile(at=lane.now())
    rollback = lane.start(lane.ask_rollback(factories.reload(lost.id)))
    lane.revert(lost)  # the order of the deadline, carried out only now
    assert factories.reload(lost.id).status is Status.ROLLING_BACK
    lane.succeed(rollback)
    assert factories.reload(lost.id).status is Status.ROLLED_BACK
