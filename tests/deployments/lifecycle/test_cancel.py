"""Cancelling: at once when nothing runs yet, proven by the agent otherwise."""

from __future__ import annotations

import pytest

from agents.models import Agent, CommandRecord, Server
from deployments.errors import Conflict, Forbidden, NotFound
from deployments.models import DeploymentEvent, Project, User
from deployments.services.lifecycle import command_ids
from deployments.services.lifecycle.cancel import cancel_deployment
from deployments.services.permissions.access import caller_of
from deployments.states import Reason, Status
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW


def test_a_pending_deployment_ends_at_once(project: Project, server: Server, owner: User) -> None:
    deployment = factories.make_deployment(project, server)
    cancelled = cancel_deployment(caller=caller_of(owner), deployment_id=deployment.id, at=NOW)
    assert (cancelled.status, cancelled.reason) == (Status.FAILED, Reason.CANCELLED)
    assert "alice" in cancelled.message
    assert not CommandRecord.objects.exists()


def test_one_in_progress_waits_for_the_agents_proof(
    project: Project, server: Server, agent: Agent, owner: User
) -> None:
    deployment = factories.make_deployment(project, server)
    factories.start_deployment(deployment, agent)
    asked = cancel_deployment(caller=caller_of(owner), deployment_id=deployment.id, at=NOW)
    assert (asked.status, asked.cancel_requested_by) == (Status.IN_PROGRESS, "alice")
    assert CommandRecord.objects.get(kind="revert").id == command_ids.revert_command_id(deployment.id)


def test_without_an_agent_to_confirm_it_ends_and_says_so(
    project: Project, server: Server, agent: Agent, owner: User
) -> None:
    deployment = factories.make_deployment(project, server)
    factories.start_deployment(deployment, agent)
    Agent.objects.update(revoked_at=NOW)
    ended = cancel_deployment(caller=caller_of(owner), deployment_id=deployment.id, at=NOW)
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.CANCELLED)
    assert "may still run" in ended.message
    told = DeploymentEvent.objects.filter(deployment=deployment.id).order_by("-sequence").values_list("type", flat=True)
    assert list(told[:2]) == ["deployment.status_changed", "deployment.cancel_requested"]


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.ROLLED_BACK, Status.FAILED, Status.ROLLING_BACK])
def test_a_finished_one_is_a_conflict_that_changes_nothing(
    project: Project, server: Server, owner: User, status: Status
) -> None:
    reason = Reason.UNHEALTHY if status is Status.FAILED else Reason.NONE
    deployment = factories.make_deployment(project, server, status=status, reason=reason)
    before = factories.reload(deployment.id)
    with pytest.raises(Conflict):
        cancel_deployment(caller=caller_of(owner), deployment_id=deployment.id, at=NOW)
    assert factories.reload(deployment.id) == before


def test_strangers_and_viewers_cannot(project: Project, server: Server, stranger: User) -> None:
    deployment = factories.make_deployment(project, server)
    with pytest.raises(NotFound):
        cancel_deployment(caller=caller_of(stranger), deployment_id=deployment.id, at=NOW)
    factories.add_member(project, stranger, role="viewer")
    with pytest.raises(Forbidden):
        cancel_deployment(caller=caller_of(stranger), deployment_id=deployment.id, at=NOW)
    assert factories.reload(deployment.id).status is Status.PENDING


def test_a_volume_that_stays_is_named(lane: Lane) -> None:
    started = lane.start(lane.ask())
    cancel_deployment(caller=lane.caller, deployment_id=started.id, at=lane.now())
    said = lane.revert(started, previous_stack_running=False, volumes_left=("p_db-data",)).message
    assert said.endswith("The volume p_db-data was left: it may hold data; delete it yourself if not.")
    assert "nothing of it is left" not in said
