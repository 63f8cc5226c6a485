"""Hand a project over: to a member, who has said yes to it before."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction

from agents.wording.sentences import sentence
from deployments.clients.peers import Peer, uses
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, NotFound
from deployments.repositories import clock, grants, lanes, members, projects, users
from deployments.repositories.grants import Side
from deployments.roles import Role
from deployments.services.audit.record import record
from deployments.services.permissions import access, quotas
from deployments.types import Caller, ProjectRecord, Right, lane_of


def change_owner(*, caller: Caller, project_id: UUID, name: str) -> ProjectRecord:
    """Make a member the owner; the former owner stays with every right but managing it.

    Servers that the former owner allowed stay allowed. Opens its own transaction. Raises NotFound, also for who is no
    member, Forbidden, TooMuch when the new owner has too many projects, or Conflict.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    if uses(Peer.GRAPH):
        raise Conflict(sentence("The owner of this project is kept by graph-service."))
    with transaction.atomic():
        projects.lock(project_id=project_id)
        member = members.named(project_id=project_id, name=name)
        heir = users.find(user_id=member.user_id) if member else None
        if member is None or heir is None or not heir.is_active:
            raise NotFound(sentence("No such member."), details={"user": sentence("not a member of the project")})
        quotas.check_project_quota(owner_id=member.user_id)
        hand_over(project=project, heir_id=member.user_id, heir=name, by=caller)
    return projects.get(project_id=project_id)


def hand_over(*, project: ProjectRecord, heir_id: UUID, heir: str, by: Caller, keep_former: bool = True) -> None:
    """Store the new owner, and who it was as a member where that is wanted. Inside a transaction. Raises Conflict."""
    former = access.owner_name(project)
    try:
        with transaction.atomic():
            projects.change(project_id=project.id, changes={"owner_id": heir_id})
    except IntegrityError as error:
        raise Conflict(
            sentence("{heir} has a project of this name already.", heir=heir), details={"name": sentence("taken")}
        ) from error
    members.remove(project_id=project.id, user_id=heir_id)
    # What the project may use stays as it is: its half of each agreement is the new owner's word from now on.
    for grant in grants.open_of_project(project_id=project.id):
        if grant.project_half is not None and grant.project_half.by_id == project.owner_id:
            lanes.lock(lane=lane_of(project_id=project.id, target_id=grant.server_id))
            grants.give(
                project_id=project.id, server_id=grant.server_id, sides=(Side.PROJECT,), by=heir_id, at=clock.now()
            )
    if keep_former:
        members.put(project_id=project.id, user_id=project.owner_id, role=Role.APPROVER)
    detail = f"{former} -> {heir}"
    record(by=by, action=AuditAction.OWNER_CHANGED, detail=detail, project_id=project.id, person_id=heir_id)


def hand_over_server(*, server_id: UUID, former_id: UUID, heir_id: UUID) -> None:
    """Make the former owner's word for projects on the server the new owner's, who belongs to the project or is none.

    Inside a transaction.
    """
    for grant in grants.newest_of_server(server_id=server_id):
        given = grant.server_half is not None and grant.server_half.by_id == former_id
        if given and grant.ended_at is None:
            lanes.lock(lane=lane_of(project_id=grant.project_id, target_id=server_id))
            grants.give(
                project_id=grant.project_id, server_id=server_id, sides=(Side.SERVER,), by=heir_id, at=clock.now()
            )
