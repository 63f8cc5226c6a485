"""Who besides the owner may see or deploy a project: for the owner to say."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from deployments.errors import Invalid, NotFound
from deployments.repositories import members
from deployments.services import access, grants
from deployments.types import Caller, Member, Right


def list_members(*, caller: Caller, project_id: UUID) -> tuple[Member, ...]:
    """By name, without the owner. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return members.of_project(project_id=project_id)


def put_member(*, caller: Caller, project_id: UUID, name: str, role: str) -> Member:
    """Let the user of this name see, or also deploy. Raises NotFound, Forbidden, or Invalid naming the field."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    user_id = _known(name)
    if user_id == project.owner_id:
        raise Invalid("The owner may do everything already.", details={"user": "the owner"})
    members.put(project_id=project_id, user_id=user_id, role=role)
    return Member(user_id=user_id, name=name, role=role)


def remove_member(*, caller: Caller, project_id: UUID, name: str, at: datetime) -> None:
    """The member is a stranger from now on, and what they gave the project of their servers ends.

    Opens its own transaction. Raises NotFound, also for who is no member, or Forbidden.
    """
    access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    user_id = members.user_named(name=name)
    with transaction.atomic():
        if user_id is None or not members.remove(project_id=project_id, user_id=user_id):
            raise NotFound("No such member.")
        because = f"{name} left the project."
        grants.end_given_by(project_id=project_id, user_id=user_id, by=caller, because=because, at=at)


def _known(name: str) -> UUID:
    user_id = members.user_named(name=name)
    if user_id is None:
        raise Invalid("There is no user of this name.", details={"user": "unknown"})
    return user_id
