"""Undoing a deployment by hand: the same stack as then, and both deployments end as the table of states says."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from agents import gateway
from deployments.errors import Conflict, Forbidden, Invalid, NotFound, Transient
from deployments.models import Deployment, DeploymentEvent, DeploymentHistory, Project, User
from deployments.repositories import history
from deployments.services.lifecycle import reconcile
from deployments.services.lifecycle.cancel import cancel_deployment
from deployments.services.permissions.access import caller_of
from deployments.services.requests.rollback import rollback_deployment
from deployments.services.secrets import variables
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import later

CANARY = "canary-4e1f-ü$"


@pytest.fixture
def two(lane: Lane) -> tuple[DeploymentRecord, DeploymentRecord]:
    """Two successes: another image and another value in the second."""
    first = lane.deployed(env_vars={"API_KEY": CANARY})
    lane.store_graph(web="web:2", db="db:1")
    return first, lane.deployed(env_vars={"API_KEY": "another"})


def test_the_agent_is_told_exactly_what_ran_then(lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]) -> None:
    first, second = two
    rollback = lane.start(lane.ask_rollback(second))
    then, told = lane.command(first), lane.command(rollback)
    assert told["pinned_images"] == {"web": "sha256:web:1", "db": "sha256:db:1"}
    assert {**told, "pinned_images": {}} == then
    assert variables.values_for(deployment_id=rollback.id) == variables.values_for(deployment_id=first.id)
    assert CANARY in variables.values_for(deployment_id=rollback.id).values()


def test_both_deployments_and_the_history_tell_it(lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]) -> None:
    first, second = two
    asked = lane.ask_rollback(second)
    assert (asked.kind, asked.status, factories.reload(second.id).status) == (
        "rollback",
        Status.PENDING,
        Status.SUCCESS,
    )
    lane.start(asked)
    during = factories.reload(second.id)
    assert (during.status, during.rolled_back_by) == (Status.ROLLING_BACK, asked.id)
    done = lane.succeed(asked)
    undone = factories.reload(second.id)
    assert (done.status, undone.status) == (Status.SUCCESS, Status.ROLLED_BACK)
    assert "alice" in undone.message
    rows = DeploymentHistory.objects.order_by("number").values_list("deployment", "number", "rolled_back")
    assert list(rows) == [(first.id, 1, False), (second.id, 2, True), (done.id, 3, False)]
    assert done.graph_version == first.graph_version


def test_a_rollback_that_fails_puts_the_success_back(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]
) -> None:
    rollback = lane.start(lane.ask_rollback(two[1]))
    ended = lane.restore(rollback)
    undone = factories.reload(two[1].id)
    assert (ended.status, undone.status, undone.reason) == (Status.ROLLED_BACK, Status.SUCCESS, Reason.UNHEALTHY)
    assert "web died" in undone.message
    assert (undone.completed_at, undone.rolled_back_by) == (two[1].completed_at, None)
    assert not DeploymentHistory.objects.filter(rolled_back=True).exists()


@pytest.mark.parametrize("reason", ["refused", "image"])
def test_what_was_never_touched_still_runs(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], reason: str
) -> None:
    lane.fail(lane.start(lane.ask_rollback(two[1])), reason=reason)
    assert factories.reload(two[1].id).status is Status.SUCCESS


def test_an_image_that_went_after_containers_were_touched_proves_nothing(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]
) -> None:
    """The agent was started again in the middle and found the image gone."""
    lane.fail(lane.start(lane.ask_rollback(two[1])), reason="image", touched=True)
    undone = factories.reload(two[1].id)
    assert undone.status is Status.FAILED
    assert "What runs now is unknown" in undone.message


def test_a_success_is_not_one_again_unless_its_stack_is_proven_to_run(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]
) -> None:
    lane.fail(lane.start(lane.ask_rollback(two[1])))
    undone = factories.reload(two[1].id)
    assert (undone.status, undone.reason) == (Status.FAILED, Reason.UNHEALTHY)
    assert "What runs now is unknown" in undone.message


def test_a_failed_one_keeps_why_it_failed(lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]) -> None:
    failed = lane.fail(lane.start(lane.ask()), message="db died")
    rollback = lane.start(lane.ask_rollback(failed))
    assert lane.command(rollback)["pinned_images"]["web"] == "sha256:web:2"
    lane.fail(rollback, reason="image", message="web:2 is gone")
    again = factories.reload(failed.id)
    assert (again.status, again.reason) == (Status.FAILED, Reason.UNHEALTHY)
    assert again.message == "db died The rollback failed: web:2 is gone"
    lane.succeed(lane.start(lane.ask_rollback(failed)))
    assert factories.reload(failed.id).status is Status.ROLLED_BACK


def test_a_rollback_is_undone_like_any_other_and_skips_what_was_rolled_back(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]
) -> None:
    back = lane.succeed(lane.start(lane.ask_rollback(two[1])))
    again = lane.ask_rollback(back)
    assert again.restores == DeploymentHistory.objects.get(deployment=two[0].id).id
    named = lane.ask_rollback(back, to=two[1])
    assert named.restores == DeploymentHistory.objects.get(deployment=two[1].id).id


def test_a_cancelled_rollback_leaves_the_success(lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]) -> None:
    rollback = lane.start(lane.ask_rollback(two[1]))
    with pytest.raises(Conflict, match=str(rollback.id)):
        cancel_deployment(caller=lane.caller, deployment_id=two[1].id, at=lane.now())
    cancel_deployment(caller=lane.caller, deployment_id=rollback.id, at=lane.now())
    lane.revert(rollback)
    assert factories.reload(two[1].id).status is Status.SUCCESS


def test_the_deadline_of_the_undone_one_is_the_rollbacks_business(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    rollback = lane.start(lane.ask_rollback(two[1]))
    Deployment.objects.filter(pk=rollback.id).update(deadline_at=later(10_000))
    Deployment.objects.filter(pk=two[1].id).update(deadline_at=lane.now())
    factories.database_time(monkeypatch, lane.now())
    reconcile.reconcile(at=lane.now())
    assert factories.reload(two[1].id).status is Status.ROLLING_BACK
    Deployment.objects.filter(pk=rollback.id).update(deadline_at=lane.now())
    factories.database_time(monkeypatch, lane.now())
    reconcile.reconcile(at=lane.now())
    assert factories.reload(rollback.id).reason is Reason.EXPIRED
    assert (factories.reload(two[1].id).status, factories.reload(two[1].id).reason) == (Status.FAILED, Reason.EXPIRED)


def die(**_: object) -> None:
    raise Transient("died")


def test_a_crash_between_any_two_writes_of_the_start_leaves_both_as_they_were(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    rollback = lane.ask_rollback(two[1])
    before = factories.reload(rollback.id), factories.reload(two[1].id)
    monkeypatch.setattr(gateway, "send", die)
    with pytest.raises(Transient):
        lane.start(rollback)
    assert (factories.reload(rollback.id), factories.reload(two[1].id)) == before


def test_a_crash_while_it_ends_leaves_the_report_to_come_again(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    rollback = lane.start(lane.ask_rollback(two[1]))
    before = factories.reload(rollback.id), factories.reload(two[1].id)
    with monkeypatch.context() as patched:
        patched.setattr(history, "mark_rolled_back", die)
        with pytest.raises(Transient):
            lane.succeed(rollback)
    assert (factories.reload(rollback.id), factories.reload(two[1].id)) == before
    assert lane.succeed(rollback).status is Status.SUCCESS
    assert factories.reload(two[1].id).status is Status.ROLLED_BACK


def test_a_rollback_that_never_starts_changes_nothing(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = factories.reload(two[1].id)
    cancel_deployment(caller=lane.caller, deployment_id=lane.ask_rollback(two[1]).id, at=lane.now())
    expired = lane.ask_rollback(two[1])
    factories.database_time(monkeypatch, expired.created_at + timedelta(days=1))
    reconcile.reconcile(at=lane.now())
    assert factories.reload(expired.id).reason is Reason.EXPIRED
    assert factories.reload(two[1].id) == before


def test_events_turn_the_undone_one_into_what_is_stored(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]
) -> None:
    lane.succeed(lane.start(lane.ask_rollback(two[1])))
    told = DeploymentEvent.objects.filter(deployment=two[1].id, type="deployment.status_changed")
    steps = [(event.payload["from"], event.payload["to"]) for event in told.order_by("sequence")]
    assert steps[-2:] == [("success", "rolling_back"), ("rolling_back", "rolled_back")]
    last = told.order_by("sequence").last()
    assert last is not None
    assert last.payload["message"] == factories.reload(two[1].id).message


def test_without_restoring_the_project_keeps_what_failed_and_can_go_back_by_hand(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]
) -> None:
    Project.objects.filter(pk=lane.project_id).update(restore_on_failure=False)
    started = lane.start(lane.ask())
    assert lane.command(started)["restore_on_failure"] is False
    left = lane.fail(
        started, message='web died The failed version was left running because "Restore on failure" is off.'
    )
    assert (left.status, left.reason) == (Status.FAILED, Reason.UNHEALTHY)
    back = lane.start(lane.ask_rollback(left))
    assert lane.command(back)["restore_on_failure"] is True
    assert lane.command(back)["pinned_images"]["web"] == "sha256:web:2"
    lane.succeed(back)
    assert factories.reload(left.id).status is Status.ROLLED_BACK


def test_the_same_request_is_one_rollback(lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]) -> None:
    first, again = (lane.ask_rollback(two[1], request_id="r-9") for _ in range(2))
    assert first.id == again.id
    assert Deployment.objects.filter(kind="rollback").count() == 1


def test_of_two_rollbacks_of_one_deployment_one_happens(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord]
) -> None:
    one, other = lane.ask_rollback(two[1]), lane.ask_rollback(two[1])
    lane.succeed(lane.start(one))
    assert (lane.start(other).status, factories.reload(other.id).reason) == (Status.FAILED, Reason.INVALID)


def test_there_must_be_something_to_go_back_to(lane: Lane) -> None:
    only = lane.deployed()
    with pytest.raises(Conflict, match="no earlier version"):
        lane.ask_rollback(only)
    with pytest.raises(Invalid, match="itself"):
        lane.ask_rollback(only, to=only)
    with pytest.raises(Invalid, match="never succeeded"):
        lane.ask_rollback(only, to=lane.fail(lane.start(lane.ask())))
    waiting = lane.ask()
    with pytest.raises(Conflict, match="cancel it"):
        lane.ask_rollback(waiting)
    cancel_deployment(caller=lane.caller, deployment_id=waiting.id, at=lane.now())
    with pytest.raises(Conflict, match="never started"):
        lane.ask_rollback(factories.reload(waiting.id))
    assert not Deployment.objects.filter(kind="rollback").exists()


def test_only_within_the_lane(lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], stranger: User) -> None:
    other = factories.make_server(lane.owner, name="server-2")
    elsewhere = Lane(owner=lane.owner, project_id=lane.project_id, server=other, agent=factories.make_agent(other))
    there = elsewhere.deployed(env_vars={"API_KEY": "x"})
    with pytest.raises(Invalid) as caught:
        lane.ask_rollback(two[1], to=there)
    assert list(caught.value.details) == ["targetDeploymentId"]
    theirs = factories.make_deployment(factories.make_project(stranger, name="Theirs"), factories.make_server(stranger))
    with pytest.raises(NotFound):
        lane.ask_rollback(two[1], to=factories.reload(theirs.id))


def test_strangers_and_viewers_cannot(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], stranger: User
) -> None:
    def attempt() -> None:
        rollback_deployment(caller=caller_of(stranger), deployment_id=two[1].id, rollback_id=uuid4(), at=lane.now())

    with pytest.raises(NotFound):
        attempt()
    factories.add_member(Project.objects.get(pk=lane.project_id), stranger, role="viewer")
    with pytest.raises(Forbidden):
        attempt()
