"""Giving and ending a project's right to a server: for the owners of both."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents import gateway
from agents.services import directory
from agents.states import CommandStatus
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.sharing_types import GrantState
from deployments.errors import Forbidden
from deployments.repositories import deployments, grants, lanes
from deployments.repositories.grants import Side
from deployments.services.audit.record import record
from deployments.services.fleet import machine_list
from deployments.services.lifecycle import command_ids, finish
from deployments.services.permissions import access, server_rights
from deployments.states import Kind, Reason, Status
from deployments.types import Caller, ProjectRecord, Right, lane_of


def allow(*, caller: Caller, project_id: UUID, server_id: UUID, at: datetime) -> GrantState:
    """Give the halves that are the caller's: a superuser both, the project's owner one, a deployer that of his server.

    Answers how far the two sides agree then. Opens its own transaction. Raises NotFound, also for a server that nobody
    offered to the project, and Forbidden for who may give neither half.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    sides = tuple(Side) if caller.sees_everything else _sides_of(caller=caller, project=project, server_id=server_id)
    with transaction.atomic():
        lanes.lock(lane=lane_of(project_id=project_id, target_id=server_id))
        if not directory.hold_server(server_id=server_id):
            raise server_rights.server_not_found()
        grants.give(project_id=project_id, server_id=server_id, sides=sides, by=caller.user_id, at=at)
        detail = f"{directory.get_server(server_id=server_id).name} for {project.name}"
        action = AuditAction.SERVER_ALLOWED
        record(by=caller, action=action, detail=detail, project_id=project_id, server_id=server_id)
    grant = grants.newest(project_id=project_id, server_id=server_id)
    return server_rights.state_of(server_rights.missing_sides(grant=grant, project=project))


def _sides_of(*, caller: Caller, project: ProjectRecord, server_id: UUID) -> tuple[Side, ...]:
    sides = server_rights.own_sides(caller=caller, project=project, server_id=server_id)
    if Side.SERVER not in sides and not server_rights.is_known(project_id=project.id, server_id=server_id):
        raise server_rights.server_not_found()
    if not sides:
        raise Forbidden(
            sentence("Only the owner or an approver of the project, or the owner of the server, can allow this.")
        )
    return sides


def withdraw(*, caller: Caller, project_id: UUID, server_id: UUID, at: datetime) -> None:
    """End it for the project's owner or approver, or for a member whose server it is.

    What waits fails; what runs there runs on. Opens its own transaction. Raises NotFound or Forbidden.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    if not server_rights.is_known(project_id=project_id, server_id=server_id):
        raise server_rights.server_not_found()
    owns = server_rights.owns_server(user_id=caller.user_id, server_id=server_id)
    if not (caller.sees_everything or owns or access.is_approver(user_id=caller.user_id, project=project)):
        raise Forbidden(
            sentence("Only the owner or an approver of the project, or the owner of the server, can end this.")
        )
    with transaction.atomic():
        end(project_id=project_id, server_id=server_id, by=caller, because=f"Ended by {caller.name}.", at=at)


def forbid(*, caller: Caller, server_id: UUID, project_id: UUID, at: datetime) -> None:
    """End it for the server's owner, whoever's project it is. Raises NotFound, also for a project that is not there."""
    machine_list.get_server(caller=caller, server_id=server_id)
    if not server_rights.is_known(project_id=project_id, server_id=server_id):
        raise server_rights.project_not_found()
    with transaction.atomic():
        end(project_id=project_id, server_id=server_id, by=caller, because=f"Ended by {caller.name}.", at=at)


def end_given_by(*, project_id: UUID, user_id: UUID, by: Caller, because: str, at: datetime) -> None:
    """End every right of the project of which this person gave a half. Inside a transaction."""
    given = grants.given_by(project_id=project_id, user_id=user_id)
    for grant in sorted(given, key=lambda grant: lane_of(project_id=project_id, target_id=grant.server_id)):
        end(project_id=project_id, server_id=grant.server_id, by=by, because=because, at=at)


def end(*, project_id: UUID, server_id: UUID, by: Caller, because: str, at: datetime) -> None:
    """End the right and all that has not reached the server yet. Inside a transaction."""
    lanes.lock(lane=lane_of(project_id=project_id, target_id=server_id))
    grants.end(project_id=project_id, server_id=server_id, by=by.user_id, because=because[:200], at=at)
    action = AuditAction.SERVER_REVOKED
    record(by=by, action=action, detail=because, project_id=project_id, server_id=server_id)
    message = f"The project's right to this server was ended by {by.name}."
    outcome = deployments.Outcome(reason=Reason.INVALID, message=message)
    held = lanes.holder(project_id=project_id, target_id=server_id)
    if held is not None and _take_back(held):
        finish.mark_failed(deployment_id=held, outcome=outcome, at=at)
    for waiting_id in lanes.waiting(project_id=project_id, target_id=server_id):
        if deployments.get(deployment_id=waiting_id).kind != Kind.STOP:
            finish.mark_failed(deployment_id=waiting_id, outcome=outcome, at=at)


def _take_back(deployment_id: UUID) -> bool:
    """Take its command back and return whether it was still ours. Inside a transaction that holds the lane's lock."""
    held = deployments.get_locked(deployment_id=deployment_id)
    if held.kind == Kind.STOP or held.status is not Status.IN_PROGRESS or held.cancel_requested_at is not None:
        return False
    command = gateway.find(command_id=command_ids.deploy_command_id(deployment_id))
    return command.status is CommandStatus.QUEUED and gateway.withdraw(deployment_id=deployment_id) > 0
