"""Replaced, restored or revoked: the two sides compare before anybody goes back, or say that they cannot know."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from agents import gateway
from agents.models import Agent, CommandRecord
from agents.services import enrolment
from agents.types import AgentInfo
from deployments.models import Deployment
from deployments.repositories.deployments import rows
from deployments.repositories.records import deployment_record, service_from_json, service_to_json
from deployments.services.lifecycle import after_restore, cancel, command_ids, reconcile
from deployments.states import Reason, Stage, Status
from deployments.types import DeploymentRecord, ServiceState
from tests import factories
from tests.deployments.lane import Lane

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def expire(lane: Lane) -> None:
    """Its deadline has passed, and the reconciler looks."""
    Deployment.objects.filter(deadline_at__isnull=False).update(deadline_at=LONG_AGO)
    assert reconcile.expire_active(at=lane.now()) == 1


@pytest.fixture
def started(lane: Lane) -> DeploymentRecord:
    return lane.start(lane.ask())


def enrol_anew(lane: Lane) -> Agent:
    token = enrolment.create_token(server_id=lane.server.id, owner_id=lane.owner.id)
    new = enrolment.register(token=token.token, server_id=None, info=AgentInfo(), new_id=uuid4())
    return Agent.objects.get(pk=new.agent_id)


# ---- revoked while it worked ----


def test_nobody_is_said_to_go_back_who_was_not_told(lane: Lane, started: DeploymentRecord) -> None:
    enrolment.revoke(agent_id=lane.agent.id)
    expire(lane)
    said = factories.reload(started.id).message
    assert "was told to restore" not in said.split("nobody was told")[0]
    assert "unknown" in said


def test_the_order_reaches_the_servers_new_agent_and_its_answer_counts(lane: Lane, started: DeploymentRecord) -> None:
    enrolment.revoke(agent_id=lane.agent.id)
    new = enrol_anew(lane)
    expire(lane)
    assert "no agent is enrolled" not in factories.reload(started.id).message
    assert CommandRecord.objects.get(kind="revert").agent_id == new.id
    lane.agent = new
    assert lane.succeed(started).status is Status.SUCCESS


def test_an_order_that_nobody_could_get_reaches_who_is_enrolled_later(lane: Lane, started: DeploymentRecord) -> None:
    enrolment.revoke(agent_id=lane.agent.id)
    expire(lane)
    new = enrol_anew(lane)
    revert = CommandRecord.objects.get(kind="revert")
    assert (revert.agent_id, revert.status) == (new.id, "queued")


# ---- a restored database ----


def test_what_nobody_can_know_fails_and_nothing_is_reverted(lane: Lane, started: DeploymentRecord) -> None:
    command = command_ids.deploy_command_id(started.id)
    after_restore.end_as_unknown(deployment_id=started.id, command_id=command, at=lane.now())
    now = factories.reload(started.id)
    assert (now.status, now.reason) == (Status.FAILED, Reason.INTERNAL)
    assert "unknown" in now.message
    assert [record.kind for record in CommandRecord.objects.all()] == ["deploy"]
    assert gateway.find(command_id=command).status == "finished"
    assert lane.deployed().status is Status.SUCCESS


def test_an_order_that_nobody_asked_for_is_taken_back(lane: Lane, started: DeploymentRecord) -> None:
    expire(lane)
    revert = command_ids.revert_command_id(started.id)
    after_restore.end_as_unknown(deployment_id=started.id, command_id=revert, at=lane.now())
    assert gateway.find(command_id=revert).status == "finished"
    now = factories.reload(started.id)
    assert now.reason is Reason.EXPIRED
    assert after_restore.UNKNOWN in now.message


def test_after_a_restore_nothing_ends_for_a_deadline_that_passed(lane: Lane, started: DeploymentRecord) -> None:
    before = after_restore.renew_after_restore(at=lane.now()).incarnation
    Deployment.objects.update(deadline_at=LONG_AGO)
    done = after_restore.renew_after_restore(at=lane.now())
    assert (done.in_progress, done.withdrawn) == (1, 0)
    assert done.incarnation != before
    assert reconcile.expire_active(at=lane.now()) == 0
    assert factories.reload(started.id).status is Status.IN_PROGRESS


def test_after_a_restore_orders_that_nobody_asked_for_are_withdrawn(lane: Lane, started: DeploymentRecord) -> None:
    expire(lane)
    assert after_restore.renew_after_restore(at=lane.now()).withdrawn == 1


def test_after_a_restore_a_persons_cancel_holds(lane: Lane, started: DeploymentRecord) -> None:
    cancel.cancel_deployment(caller=lane.caller, deployment_id=started.id, at=lane.now())
    assert after_restore.renew_after_restore(at=lane.now()).withdrawn == 0
    assert lane.revert(started).reason is Reason.CANCELLED


# ---- rows of another version ----


def test_a_service_of_another_version_is_read() -> None:
    state = ServiceState(node_id="n", name="web", image="web:1")
    newer = {**service_to_json(state), "mood": "x"}
    assert service_from_json(newer) == state
    del newer["deployed_at"], newer["container_ids"], newer["error_message"]
    assert service_from_json(newer) == state


def test_a_deployment_of_another_version_is_read(started: DeploymentRecord) -> None:
    row = rows().get(pk=started.id)
    read = deployment_record({**row, "reason": "moonlight", "stage": "dreaming"})
    assert (read.reason, read.stage) == (Reason.INTERNAL, Stage.NONE)
    assert Deployment.objects.count() == 1
