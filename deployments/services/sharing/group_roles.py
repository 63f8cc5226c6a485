"""Roles of groups in a project. For its owner, who gives them to groups of their own; administrators to any."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, NotFound
from deployments.repositories import projects
from deployments.repositories.people import group_rows
from deployments.roles import GroupRecord, GroupRole, Role
from deployments.services.audit.record import record
from deployments.services.permissions import access
from deployments.services.sharing import membership
from deployments.types import Caller, ProjectRecord, Right


def list_groups(*, caller: Caller, project_id: UUID) -> tuple[GroupRole, ...]:
    """Return the groups with a role in the project, by name. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return group_rows.roles_in(project_id=project_id)


def groups_to_give(caller: Caller) -> tuple[GroupRecord, ...]:
    """Return the groups that the caller can give a role: their own, or all for an administrator."""
    return group_rows.all_groups() if caller.sees_everything else group_rows.of_person(user_id=caller.user_id)


def put_group(*, caller: Caller, project_id: UUID, name: str, role: Role, at: datetime) -> GroupRole:
    """Give a group a role, or another one, at once. Opens its own transaction.

    Raises NotFound, also for a group that is not the caller's, Forbidden, or Conflict when there are too many.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    group = next((group for group in groups_to_give(caller) if group.name == name), None)
    with transaction.atomic():
        projects.lock(project_id=project_id)
        if group is None:
            # A group that has a role already is known to the owner by it.
            group = _with_role(project_id=project_id, name=name).group
        before = group_rows.role_in(project_id=project_id, group_id=group.id)
        if before is None and group_rows.count_in(project_id=project_id) >= group_rows.MAX_GROUPS:
            raise Conflict(
                sentence("At most {max_groups} groups have a role in a project.", max_groups=group_rows.MAX_GROUPS)
            )
        group_rows.put_role(project_id=project_id, group_id=group.id, role=role)
        detail = f"{name}: {before or 'none'} -> {role}"
        record(by=caller, action=AuditAction.GROUP_ROLE_CHANGED, detail=detail, project_id=project_id)
        _end_rights(caller=caller, project=project, group_id=group.id, at=at)
    return GroupRole(group=group, role=role)


def remove_group(*, caller: Caller, project_id: UUID, name: str, at: datetime) -> None:
    """Take a group's role. Opens its own transaction. Raises NotFound or Forbidden."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    with transaction.atomic():
        projects.lock(project_id=project_id)
        group = _with_role(project_id=project_id, name=name).group
        group_rows.remove_role(project_id=project_id, group_id=group.id)
        membership.cut_off(project_id=project_id)
        record(by=caller, action=AuditAction.GROUP_REMOVED, detail=name, project_id=project_id)
        _end_rights(caller=caller, project=project, group_id=group.id, at=at)


def _with_role(*, project_id: UUID, name: str) -> GroupRole:
    found = next((each for each in group_rows.roles_in(project_id=project_id) if each.group.name == name), None)
    if found is None:
        raise NotFound(sentence("No such group."), details={"group": sentence("not found")})
    return found


def _end_rights(*, caller: Caller, project: ProjectRecord, group_id: UUID, at: datetime) -> None:
    """End what the group's people gave the project, as far as they may not deploy it any more."""
    for user_id, name in sorted(group_rows.people_of(group_id=group_id).items()):
        membership.end_rights_unless_deployer(
            caller=caller, project=project, user_id=user_id, because=f"{name} may only look now.", at=at
        )


def end_rights_of(*, caller: Caller, user_ids: dict[UUID, str], group_id: UUID, at: datetime) -> None:
    """End what these people, who left the group just now, gave its projects. Inside that transaction."""
    project_ids = group_rows.projects_of(group_id=group_id)
    end_rights_in(caller=caller, user_ids=user_ids, project_ids=project_ids, at=at)


def end_rights_in(*, caller: Caller, user_ids: dict[UUID, str], project_ids: tuple[UUID, ...], at: datetime) -> None:
    """End what these people gave these projects, as far as they may not deploy them any more. Inside a transaction."""
    for project_id in sorted(project_ids) if user_ids else ():
        project = projects.get(project_id=project_id)
        membership.cut_off(project_id=project_id)
        for user_id, name in sorted(user_ids.items()):
            membership.end_rights_unless_deployer(
                caller=caller, project=project, user_id=user_id, because=f"{name} left a group.", at=at
            )
