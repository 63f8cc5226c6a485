"""Nothing waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django_rq import get_queue
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks, Settings

from agents.models import Agent, CommandRecord, Server
from deployments.models import Deployment, Project
from deployments.services.lifecycle import reconcile
from deployments.states import Reason, Status
from tests import factories
from tests.factories import NOW


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    get_queue("deployments").empty()  # type: ignore[no-untyped-call]  # rq leaves it without types


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def requeued(monkeypatch: pytest.MonkeyPatch, seconds: float) -> int:
    factories.database_time(monkeypatch, later(seconds))
    return reconcile.requeue_waiting()


def ended(monkeypatch: pytest.MonkeyPatch, part: Callable[..., int], seconds: float) -> int:
    """What this part of a round ends when it is so late at the database, whatever our own clock says."""
    factories.database_time(monkeypatch, later(seconds))
    return part(at=NOW)


def queued_ids() -> list[str]:
    return [job.args[0] for job in get_queue("deployments").jobs]


def test_a_pending_one_whose_job_died_gets_another(
    project: Project,
    server: Server,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment = factories.make_deployment(project, server)
    with django_capture_on_commit_callbacks(execute=True):
        assert requeued(monkeypatch, 7) == 0
        assert requeued(monkeypatch, 9) == 1
        assert requeued(monkeypatch, 9) == 0
    assert queued_ids() == [str(deployment.id)]


def test_only_the_first_of_a_free_lane_gets_a_job(
    project: Project,
    server: Server,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = factories.make_deployment(project, server)
    factories.make_deployment(project, server, at=later(1))
    assert requeued(monkeypatch, 20) == 1
    factories.start_deployment(first, agent)
    assert requeued(monkeypatch, 60) == 0


def test_a_wait_without_a_turn_ends(
    project: Project,
    server: Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.AXION_PENDING_DEADLINE = 100
    deployment = factories.make_deployment(project, server)
    assert ended(monkeypatch, reconcile.expire_pending, 99) == 0
    assert ended(monkeypatch, reconcile.expire_pending, 101) == 1
    now = factories.reload(deployment.id)
    assert (now.status, now.reason) == (Status.FAILED, Reason.EXPIRED)


def test_overdue_work_ends_and_the_agent_is_told_to_revert(
    project: Project,
    server: Server,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment = factories.make_deployment(project, server)
    factories.start_deployment(deployment, agent)
    assert ended(monkeypatch, reconcile.expire_active, 1799) == 0
    assert ended(monkeypatch, reconcile.expire_active, 1801) == 1
    assert factories.reload(deployment.id).reason is Reason.EXPIRED
    assert CommandRecord.objects.get(kind="revert").payload["cause"] == "expired"
    assert CommandRecord.objects.get(kind="deploy").status == "finished"


def test_the_next_in_line_starts_when_the_holder_is_released(
    project: Project,
    server: Server,
    agent: Agent,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holder = factories.make_deployment(project, server)
    factories.start_deployment(holder, agent)
    waiting = factories.make_deployment(project, server, at=later(1))
    with django_capture_on_commit_callbacks(execute=True):
        ended(monkeypatch, reconcile.expire_active, 1801)
    assert queued_ids() == [str(waiting.id)]
    assert Deployment.objects.get(pk=waiting.id).status == Status.PENDING


def test_a_clock_of_ours_that_is_wrong_ends_nothing(
    project: Project, server: Server, agent: Agent, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    now = datetime.now(UTC)
    working = factories.make_deployment(project, server, at=now)
    factories.start_deployment(working, agent, at=now)
    waiting = factories.make_deployment(project, server, at=now)
    with django_capture_on_commit_callbacks(execute=True):
        for minutes in (31, 60 * 24 * 365, -60):
            assert reconcile.reconcile(at=now + timedelta(minutes=minutes)) == 0
    assert factories.reload(working.id).status is Status.IN_PROGRESS
    assert factories.reload(waiting.id).status is Status.PENDING
    assert queued_ids() == []


def test_a_lost_agent_ends_its_deployment(project: Project, server: Server) -> None:
    now = datetime.now(UTC)
    factories.hear_agents(since=now - timedelta(hours=1), at=now)
    agent = factories.make_agent(server, seen=now - timedelta(seconds=200))
    deployment = factories.make_deployment(project, server, at=now - timedelta(minutes=5))
    factories.start_deployment(deployment, agent, at=now - timedelta(minutes=5))
    assert reconcile.give_up_lost(at=now) == 1
    assert factories.reload(deployment.id).reason is Reason.AGENT_LOST
    assert CommandRecord.objects.filter(kind="revert").count() == 1


@pytest.mark.parametrize(
    ("seen_ago", "listening_for", "why"),
    [(30, 3600, "heard of within the limit"), (200, 20, "no gateway was there to hear it")],
)
def test_an_agent_that_may_be_there_is_not_given_up(
    project: Project, server: Server, seen_ago: int, listening_for: int, why: str
) -> None:
    now = datetime.now(UTC)
    factories.hear_agents(since=now - timedelta(seconds=listening_for), at=now)
    agent = factories.make_agent(server, seen=now - timedelta(seconds=seen_ago))
    deployment = factories.make_deployment(project, server, at=now - timedelta(minutes=5))
    factories.start_deployment(deployment, agent, at=now - timedelta(minutes=5))
    assert reconcile.give_up_lost(at=now) == 0, why
