"""Groups of people: who belongs to which, for administrators."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, Forbidden, Invalid
from deployments.names import usable_name
from deployments.repositories import users
from deployments.repositories.people import group_rows
from deployments.roles import GroupRecord
from deployments.services.audit.record import names_in, record
from deployments.services.sharing import group_roles
from deployments.types import Caller


def save_group(*, caller: Caller, group_id: UUID, name: str, user_ids: Collection[UUID], at: datetime) -> GroupRecord:
    """Create the group, or give it this name and these people; who leaves loses what the group gave them, at once.

    Opens its own transaction. Raises Forbidden, Invalid, or Conflict for too many people or a name that is taken.
    """
    _require_administrator(caller)
    name = usable_name(name, what="group")
    if len(user_ids) > group_rows.MAX_PEOPLE:
        raise Conflict(sentence("A group has at most {max_people} people.", max_people=group_rows.MAX_PEOPLE))
    with transaction.atomic():
        same = group_rows.named(name=name)
        if same is not None and same.id != group_id:
            raise Conflict(sentence("There is a group of this name already."), details={"name": sentence("taken")})
        group_rows.ensure(group_id=group_id, name=name)
        before = group_rows.people_of(group_id=group_id)
        group_rows.set_people(group_id=group_id, user_ids=user_ids)
        after = group_rows.people_of(group_id=group_id)
        gone = {user_id: before[user_id] for user_id in before.keys() - after.keys()}
        _note(caller, name=name, before=before, after=after)
        group_roles.end_rights_of(caller=caller, user_ids=gone, group_id=group_id, at=at)
    return group_rows.get(group_id=group_id)


def list_groups(*, caller: Caller) -> tuple[GroupRecord, ...]:
    """Return all groups with their people, by name. Raises Forbidden for others than administrators."""
    _require_administrator(caller)
    return group_rows.all_groups()


def get_group(*, caller: Caller, group_id: UUID) -> GroupRecord:
    """Return the group. Raises Forbidden for others than administrators, or NotFound."""
    _require_administrator(caller)
    return group_rows.get(group_id=group_id)


def save_named(*, caller: Caller, group_id: UUID, name: str, people: Collection[str], at: datetime) -> GroupRecord:
    """Do as `save_group`, with people by their names. Raises Invalid, too, naming who is unknown or disabled."""
    _require_administrator(caller)
    found = users.ids_named(names=people)
    if unknown := sorted(set(people) - found.keys()):
        raise Invalid(
            sentence("No active person is named {unknown}.", unknown=", ".join(unknown[:5])),
            details={"people": sentence("unknown")},
        )
    return save_group(caller=caller, group_id=group_id, name=name, user_ids=set(found.values()), at=at)


def _note(caller: Caller, *, name: str, before: dict[UUID, str], after: dict[UUID, str]) -> None:
    """Write down for the group, and for each person who came or left, what became of it."""
    for user_id in sorted(before.keys() ^ after.keys()):
        said = f"added {after[user_id]}" if user_id in after else f"removed {before[user_id]}"
        detail = f"{name}: {said}"
        record(by=caller, action=AuditAction.GROUP_PEOPLE_CHANGED, detail=detail, person_id=user_id)
    if before == after:
        record(by=caller, action=AuditAction.GROUP_PEOPLE_CHANGED, detail=f"{name}: {names_in(after.values())}")


def delete_group(*, caller: Caller, group_id: UUID, at: datetime) -> None:
    """Delete the group with its roles. Opens its own transaction. Raises Forbidden or NotFound."""
    _require_administrator(caller)
    group = group_rows.get(group_id=group_id)
    with transaction.atomic():
        people = group_rows.people_of(group_id=group_id)
        projects = group_rows.projects_of(group_id=group_id)
        group_rows.delete(group_id=group_id)
        record(by=caller, action=AuditAction.GROUP_REMOVED, detail=group.name)
        for project_id in projects:
            record(by=caller, action=AuditAction.GROUP_REMOVED, detail=group.name, project_id=project_id)
        group_roles.end_rights_in(caller=caller, user_ids=people, project_ids=projects, at=at)


def _require_administrator(caller: Caller) -> None:
    if not caller.sees_everything:
        raise Forbidden(sentence("Only administrators manage groups."))
