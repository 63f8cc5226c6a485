"""Processes' clocks differ. What came before what, and when a wait ends, is told by numbers and by the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django_rq import get_queue

from deployments.errors import Transient
from deployments.models import Deployment, DeploymentHistory
from deployments.repositories import lanes
from deployments.services.lifecycle import cancel, reconcile, start
from deployments.services.requests.deploy import deploy_project
from deployments.services.requests.rollback import rollback_deployment
from deployments.states import Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane

SKEWS = [timedelta(minutes=31), timedelta(minutes=-31)]


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    get_queue("deployments").empty()  # type: ignore[no-untyped-call]  # rq leaves it without types


def failed(lane: Lane) -> DeploymentRecord:
    return lane.fail(lane.start(lane.ask()), previous_stack_running=True)


@pytest.mark.parametrize("skew", [timedelta(milliseconds=100), timedelta(hours=1)])
def test_a_rollback_of_a_failure_brings_back_what_ran_before_it(lane: Lane, skew: timedelta) -> None:
    """The gateway's clock, which dates successes, is ahead of the worker's, which dates starts."""
    lane.store_graph(web="web:1", db="db:1")
    lane.deployed()
    lane.store_graph(web="web:2", db="db:1")
    second = lane.deployed()
    bad = failed(lane)
    started = Deployment.objects.get(pk=bad.id).started_at
    assert started is not None
    DeploymentHistory.objects.filter(deployment=second.id).update(created_at=started + skew)
    rollback = rollback_deployment(
        caller=lane.caller, deployment_id=bad.id, rollback_id=uuid4(), request_id="", at=lane.now()
    )
    assert rollback.restores == DeploymentHistory.objects.get(deployment=second.id).id


def test_what_succeeded_after_a_failure_is_not_before_it(lane: Lane) -> None:
    first = lane.deployed()
    bad = failed(lane)
    later = lane.deployed()
    DeploymentHistory.objects.filter(deployment=later.id).update(created_at=bad.created_at - timedelta(hours=1))
    assert lane.ask_rollback(bad).restores == DeploymentHistory.objects.get(deployment=first.id).id


def test_the_last_start_is_the_one_with_the_highest_number(lane: Lane) -> None:
    lane.deployed()
    second = lane.deployed()
    Deployment.objects.filter(pk=second.id).update(started_at=datetime(2020, 1, 1, tzinfo=UTC))
    last = lanes.last_started(project_id=lane.project_id, target_id=lane.server.id)
    assert last is not None
    assert last.id == second.id


@pytest.mark.parametrize("skew", SKEWS)
def test_deadlines_are_the_databases(lane: Lane, skew: timedelta) -> None:
    wrong = datetime.now(UTC) + skew
    asked = deploy_project(caller=lane.caller, request=lane.request(), deployment_id=uuid4(), at=wrong)
    row = Deployment.objects.get(pk=asked.id)
    assert row.next_attempt_at is not None
    assert near(row.created_at)
    assert near(row.next_attempt_at - timedelta(seconds=8))
    start.try_again_later(deployment=asked, error=Transient("No."), at=wrong)
    row.refresh_from_db()
    assert row.next_attempt_at is not None
    assert near(row.next_attempt_at)
    start.run_deployment(deployment_id=asked.id, at=wrong)
    row.refresh_from_db()
    assert row.started_at is not None
    assert row.deadline_at is not None
    assert near(row.started_at)
    assert near(row.deadline_at - timedelta(seconds=1800))
    assert reconcile.reconcile(at=wrong) == 0
    cancel.cancel_deployment(caller=lane.caller, deployment_id=asked.id, at=wrong)
    row.refresh_from_db()
    assert row.deadline_at is not None
    assert row.deadline_at < datetime.now(UTC) + timedelta(seconds=310)
    assert reconcile.reconcile(at=wrong) == 0
    assert factories.reload(asked.id).status is Status.IN_PROGRESS


def near(moment: datetime) -> bool:
    return abs(moment - datetime.now(UTC)) < timedelta(seconds=20)
