"""A deployment for a server whose agent is away waits for it; nothing is ordered meanwhile, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django_rq import get_queue
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks, Settings

from agents.models import Agent, CommandRecord
from deployments.models import DeploymentEvent
from deployments.services.lifecycle import reconcile
from deployments.services.requests.stop import stop_project
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord
from deployments.wire import deployment_shape
from tests import factories
from tests.deployments.lane import Lane

DAYS_AGO = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
WAITING = "Waiting for the agent of server-1, last seen 2026-03-01 08:30:00 UTC."


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    get_queue("deployments").empty()  # type: ignore[no-untyped-call]  # rq leaves it without types


def ask_stop(lane: Lane) -> DeploymentRecord:
    return stop_project(
        caller=lane.caller, project_id=lane.project_id, target=lane.target, deployment_id=uuid4(), at=lane.now()
    )


KINDS: dict[str, Callable[[Lane, DeploymentRecord], DeploymentRecord]] = {
    "deploy": lambda lane, _: lane.ask(),
    "rollback": lambda lane, success: lane.ask_rollback(success),
    "stop": lambda lane, _: ask_stop(lane),
}


def go_away(lane: Lane) -> None:
    Agent.objects.filter(pk=lane.agent.pk).update(last_seen_at=DAYS_AGO)


def queued_ids() -> list[str]:
    return [job.args[0] for job in get_queue("deployments").jobs]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_it_waits_for_its_agent_and_says_so(lane: Lane, kind: str) -> None:
    lane.deployed()
    success = lane.deployed()
    asked = KINDS[kind](lane, success)
    go_away(lane)
    ordered = CommandRecord.objects.count()
    for _ in range(9):
        waits = lane.start(asked)
    assert (waits.status, waits.message, waits.attempts) == (Status.PENDING, WAITING, 0)
    assert deployment_shape(waits)["errorMessage"] == WAITING
    assert CommandRecord.objects.count() == ordered
    assert factories.reload(success.id) == success
    told = DeploymentEvent.objects.filter(deployment=asked.id, type="deployment.waiting_changed")
    assert [event.payload for event in told] == [{"message": WAITING}]


def test_it_starts_within_a_round_of_its_agents_return(
    lane: Lane, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    asked = lane.ask()
    go_away(lane)
    lane.start(asked)
    with django_capture_on_commit_callbacks(execute=True):
        reconcile.reconcile(at=lane.now())
    assert queued_ids() == []
    Agent.objects.update(last_seen_at=Now())
    with django_capture_on_commit_callbacks(execute=True):
        reconcile.reconcile(at=lane.now())
    assert queued_ids() == [str(asked.id)]
    started = lane.start(asked)
    assert (started.status, started.message) == (Status.IN_PROGRESS, "")
    told = DeploymentEvent.objects.filter(deployment=asked.id, type="deployment.waiting_changed").order_by("sequence")
    assert [event.payload["message"] for event in told] == [WAITING, ""]


def test_another_agent_of_the_server_will_do(lane: Lane) -> None:
    asked = lane.ask()
    go_away(lane)
    lane.start(asked)
    Agent.objects.update(revoked_at=Now())
    newer = factories.make_agent(lane.server)
    assert lane.start(asked).status is Status.IN_PROGRESS
    assert CommandRecord.objects.get().agent_id == newer.id


def test_it_ends_at_its_deadline_with_what_it_waited_for_and_leaves_nothing(
    lane: Lane, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AXION_PENDING_DEADLINE = 100
    asked = lane.ask()
    go_away(lane)
    lane.start(asked)
    factories.database_time(monkeypatch, asked.created_at + timedelta(seconds=101))
    assert reconcile.expire_pending(at=lane.now()) == 1
    ended = factories.reload(asked.id)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.EXPIRED)
    assert ended.message.startswith(WAITING)
    assert not CommandRecord.objects.exists()


def test_what_stands_behind_another_waits_for_its_turn(lane: Lane) -> None:
    lane.start(lane.ask())
    behind = lane.ask()
    go_away(lane)
    assert (lane.start(behind).status, lane.start(behind).message) == (Status.PENDING, "")


def test_an_agent_that_never_connected_is_called_so(lane: Lane) -> None:
    Agent.objects.update(last_seen_at=None)
    waits = lane.start(lane.ask())
    assert waits.message == "Waiting for the agent of server-1, which has not connected yet."


def test_a_server_without_any_agent_is_no_wait(lane: Lane, settings: Settings) -> None:
    settings.AXION_JOB_ATTEMPTS = 1
    Agent.objects.all().delete()
    ended = lane.start(lane.ask())
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.INTERNAL)
    assert "No agent is enrolled" in ended.message
