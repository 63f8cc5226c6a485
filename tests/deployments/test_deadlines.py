"""Nothing waits for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django_rq import get_queue
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks, Settings

from agents.models import Agent, CommandRecord, Server
from deployments.models import Deployment, Project
from deployments.services import deadlines
from deployments.states import Reason, Status
from tests import factories
from tests.factories import NOW


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    get_queue("deployments").empty()  # type: ignore[no-untyped-call]  # rq leaves it without types


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def queued_ids() -> list[str]:
    return [job.args[0] for job in get_queue("deployments").jobs]


def test_a_pending_one_whose_job_died_gets_another(
    project: Project, server: Server, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    deployment = factories.make_deployment(project, server)
    with django_capture_on_commit_callbacks(execute=True):
        assert deadlines.requeue_waiting(at=later(7)) == 0
        assert deadlines.requeue_waiting(at=later(9)) == 1
        assert deadlines.requeue_waiting(at=later(9)) == 0
    assert queued_ids() == [str(deployment.id)]


def test_only_the_first_of_a_free_lane_gets_a_job(project: Project, server: Server, agent: Agent) -> None:
    first = factories.make_deployment(project, server)
    factories.make_deployment(project, server, at=later(1))
    assert deadlines.requeue_waiting(at=later(20)) == 1
    factories.start_deployment(first, agent)
    assert deadlines.requeue_waiting(at=later(60)) == 0


def test_a_wait_without_a_turn_ends(project: Project, server: Server, settings: Settings) -> None:
    settings.AXION_PENDING_DEADLINE = 100
    deployment = factories.make_deployment(project, server)
    assert deadlines.expire_pending(at=later(99)) == 0
    assert deadlines.expire_pending(at=later(101)) == 1
    now = factories.reload(deployment.id)
    assert (now.status, now.reason) == (Status.FAILED, Reason.EXPIRED)


def test_overdue_work_ends_and_the_agent_is_told_to_revert(project: Project, server: Server, agent: Agent) -> None:
    deployment = factories.make_deployment(project, server)
    factories.start_deployment(deployment, agent)
    assert deadlines.expire_active(at=later(1799)) == 0
    assert deadlines.expire_active(at=later(1801)) == 1
    assert factories.reload(deployment.id).reason is Reason.EXPIRED
    assert CommandRecord.objects.get(kind="revert").payload["cause"] == "expired"
    assert CommandRecord.objects.get(kind="deploy").status == "finished"


def test_the_next_in_line_starts_when_the_holder_is_released(
    project: Project,
    server: Server,
    agent: Agent,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    holder = factories.make_deployment(project, server)
    factories.start_deployment(holder, agent)
    waiting = factories.make_deployment(project, server, at=later(1))
    with django_capture_on_commit_callbacks(execute=True):
        deadlines.expire_active(at=later(1801))
    assert queued_ids() == [str(waiting.id)]
    assert Deployment.objects.get(pk=waiting.id).status == Status.PENDING


def test_a_lost_agent_ends_its_deployment(project: Project, server: Server) -> None:
    now = datetime.now(UTC)
    factories.hear_agents(since=now - timedelta(hours=1), at=now)
    agent = factories.make_agent(server, seen=now - timedelta(seconds=90))
    deployment = factories.make_deployment(project, server, at=now - timedelta(minutes=5))
    factories.start_deployment(deployment, agent, at=now - timedelta(minutes=5))
    assert deadlines.give_up_lost(at=now) == 1
    assert factories.reload(deployment.id).reason is Reason.AGENT_LOST
    assert CommandRecord.objects.filter(kind="revert").count() == 1


@pytest.mark.parametrize(
    ("seen_ago", "listening_for", "why"),
    [(30, 3600, "heard of within the limit"), (90, 20, "no gateway was there to hear it")],
)
def test_an_agent_that_may_be_there_is_not_given_up(
    project: Project, server: Server, seen_ago: int, listening_for: int, why: str
) -> None:
    now = datetime.now(UTC)
    factories.hear_agents(since=now - timedelta(seconds=listening_for), at=now)
    agent = factories.make_agent(server, seen=now - timedelta(seconds=seen_ago))
    deployment = factories.make_deployment(project, server, at=now - timedelta(minutes=5))
    factories.start_deployment(deployment, agent, at=now - timedelta(minutes=5))
    assert deadlines.give_up_lost(at=now) == 0, why
