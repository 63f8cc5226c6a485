"""Who besides the owner may see or deploy a project: the owner invites, and nobody is a member without saying yes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from deployments.data.sharing_types import Invitation
from deployments.errors import Conflict, Invalid, NotFound
from deployments.repositories import invitations, members, projects
from deployments.services.permissions import access
from deployments.services.sharing import server_grants
from deployments.types import Caller, Member, Right

MAX_NAME = 150


def list_members(*, caller: Caller, project_id: UUID) -> tuple[Member, ...]:
    """Return the members by name, without the owner. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return members.of_project(project_id=project_id)


def list_invited(*, caller: Caller, project_id: UUID, at: datetime) -> tuple[Invitation, ...]:
    """Return who has not answered yet, by name, to who may invite; nobody to others. Raises NotFound."""
    may_invite = access.may(caller=caller, project_id=project_id, right=Right.CHANGE)
    return invitations.of_project(project_id=project_id, at=at) if may_invite else ()


def put_member(*, caller: Caller, project_id: UUID, name: str, role: str, at: datetime) -> Member | Invitation:
    """Invite whoever has this name to see, or also deploy; give who is a member already the other role at once.

    The answer is the same whether or not there is such a user. Opens its own transaction. Raises NotFound, Forbidden,
    Conflict when too many have not answered, or Invalid naming the field.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    _check_name(name)
    if access.owner_name(project) == name:
        raise Invalid("The owner may do everything already.", details={"user": "the owner"})
    with transaction.atomic():
        projects.lock(project_id=project_id)
        member = members.named(project_id=project_id, name=name)
        if member is None:
            return _invite(caller=caller, project_id=project_id, name=name, role=role, at=at)
        members.put(project_id=project_id, user_id=member.user_id, role=role)
        if role != access.DEPLOYER:
            _end_rights(caller=caller, project_id=project_id, member=member, because="may only look now", at=at)
    return Member(user_id=member.user_id, name=name, role=role)


def _check_name(name: str) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid("This is not a valid user name.", details={"user": f"1 to {MAX_NAME} printable characters"})


def _invite(*, caller: Caller, project_id: UUID, name: str, role: str, at: datetime) -> Invitation:
    if invitations.count(project_id=project_id, at=at) >= invitations.MAX_OPEN:
        raise Conflict(f"{invitations.MAX_OPEN} invitations are open. Withdraw some first.")
    return invitations.put(project_id=project_id, name=name, role=role, invited_by=caller.user_id, at=at)


def remove_member(*, caller: Caller, project_id: UUID, name: str, at: datetime) -> None:
    """Remove a member, with what they gave the project of their servers, or take an invitation back.

    Opens its own transaction. Raises NotFound, also for who is neither, or Forbidden.
    """
    access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    with transaction.atomic():
        projects.lock(project_id=project_id)
        invited = "\x00" not in name and invitations.remove(project_id=project_id, name=name)
        member = None if "\x00" in name else members.named(project_id=project_id, name=name)
        if member is not None:
            members.remove(project_id=project_id, user_id=member.user_id)
            _end_rights(caller=caller, project_id=project_id, member=member, because="left the project", at=at)
        elif not invited:
            raise NotFound("No such member.")


def _end_rights(*, caller: Caller, project_id: UUID, member: Member, because: str, at: datetime) -> None:
    reason = f"{member.name} {because}."
    server_grants.end_given_by(project_id=project_id, user_id=member.user_id, by=caller, because=reason, at=at)


def my_invitations(*, caller: Caller, at: datetime) -> tuple[Invitation, ...]:
    """Return what the caller was asked to join and has not answered, newest first."""
    return invitations.for_name(name=caller.name, at=at)


def accept_invitation(*, caller: Caller, invitation_id: UUID, at: datetime) -> Invitation:
    """Make the caller a member. Opens its own transaction. Raises NotFound, also for another's invitation."""
    with transaction.atomic():
        taken = _take(caller=caller, invitation_id=invitation_id, at=at)
        if projects.get(project_id=taken.project_id).owner_id != caller.user_id:
            members.put(project_id=taken.project_id, user_id=caller.user_id, role=taken.role)
    return taken


def decline_invitation(*, caller: Caller, invitation_id: UUID, at: datetime) -> None:
    """Decline an invitation. Opens its own transaction. Raises NotFound, also for another's invitation."""
    with transaction.atomic():
        _take(caller=caller, invitation_id=invitation_id, at=at)


def _take(*, caller: Caller, invitation_id: UUID, at: datetime) -> Invitation:
    taken = invitations.take(invitation_id=invitation_id, name=caller.name, at=at)
    if taken is None:
        raise NotFound("No such invitation.")
    return taken
