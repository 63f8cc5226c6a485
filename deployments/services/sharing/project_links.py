"""Links into a project: whoever opens one while signed in becomes a member, once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.sharing_types import LinkRecord
from deployments.errors import Conflict, NotFound
from deployments.repositories import projects
from deployments.repositories.people import link_rows
from deployments.roles import Role
from deployments.services.audit.record import record
from deployments.services.permissions import access
from deployments.services.sharing import membership
from deployments.types import Caller, Right

NO_LINK = "This link is not valid: it was used, withdrawn, or has ended. Ask for a new one."


def create_link(*, caller: Caller, project_id: UUID, role: Role, at: datetime) -> tuple[LinkRecord, str]:
    """Make a link that gives one person the role; its text exists only in the answer. Opens its own transaction.

    Raises NotFound, Forbidden, or Conflict when too many are open.
    """
    access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    with transaction.atomic():
        projects.lock(project_id=project_id)
        if link_rows.count(project_id=project_id, at=at) >= link_rows.MAX_OPEN:
            raise Conflict(sentence("{max_open} links are open. Withdraw some first.", max_open=link_rows.MAX_OPEN))
        made, text = link_rows.add(created_by=caller.user_id, at=at, project_id=project_id, role=role)
        record(by=caller, action=AuditAction.LINK_CREATED, detail=f"for a new {role}", project_id=project_id)
    return made, text


def list_links(*, caller: Caller, project_id: UUID, at: datetime) -> tuple[LinkRecord, ...]:
    """Return the links that are still good, to who may make some; none to others. Raises NotFound."""
    may_invite = access.may(caller=caller, project_id=project_id, right=Right.MANAGE)
    return link_rows.of_project(project_id=project_id, at=at) if may_invite else ()


def withdraw_link(*, caller: Caller, project_id: UUID, link_id: UUID) -> None:
    """End a link at once. Opens its own transaction. Raises NotFound or Forbidden."""
    access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    with transaction.atomic():
        if not link_rows.remove(project_id=project_id, link_id=link_id):
            raise NotFound(sentence("No such link."))
        record(by=caller, action=AuditAction.LINK_WITHDRAWN, project_id=project_id)


def look_at_link(*, text: str, at: datetime) -> LinkRecord:
    """Return where the link leads, without using it. Raises NotFound."""
    found = link_rows.find(text=text, at=at)
    if found is None or found.project_id is None:
        raise NotFound(NO_LINK)
    return found


def use_link(*, caller: Caller, text: str, at: datetime) -> LinkRecord:
    """Make the caller a member with the link's role, and end the link. Opens its own transaction. Raises NotFound.

    A link of who may no longer manage the project is none.
    """
    with transaction.atomic():
        taken = link_rows.take(text=text, at=at)
        if taken is None or taken.project_id is None:
            raise NotFound(NO_LINK)
        project = projects.get(project_id=taken.project_id)
        if project.deletion or not access.may_manage(user_id=taken.created_by_id, project=project):
            raise NotFound(NO_LINK)
        record(
            by=caller,
            action=AuditAction.LINK_USED,
            detail=f"of {taken.created_by}",
            project_id=project.id,
            person_id=caller.user_id,
        )
        if project.owner_id != caller.user_id and not _may_more(caller, project_id=project.id, role=taken.role):
            membership.join(caller=caller, project_id=project.id, role=taken.role)
    return taken


def _may_more(caller: Caller, *, project_id: UUID, role: str) -> bool:
    """Return whether the caller is a member with a role that may do more than the link gives."""
    roles = list(Role)
    own = [Role(each) for each in projects.roles_of(user_id=caller.user_id, project_id=project_id) if each in set(Role)]
    return any(roles.index(each) >= roles.index(Role(role)) for each in own)
