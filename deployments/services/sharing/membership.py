"""Who besides the owner may see or deploy a project: the owner invites, and nobody is a member without saying yes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments import live_updates
from deployments.data.audit_types import AuditAction
from deployments.data.sharing_types import Invitation
from deployments.errors import Conflict, Invalid, NotFound
from deployments.repositories import invitations, members, projects
from deployments.services.audit.record import record
from deployments.services.permissions import access
from deployments.services.sharing import server_grants
from deployments.types import Caller, Member, ProjectRecord, Right

MAX_NAME = 150


def list_members(*, caller: Caller, project_id: UUID) -> tuple[Member, ...]:
    """Return the members by name, without the owner. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return members.of_project(project_id=project_id)


def list_invited(*, caller: Caller, project_id: UUID, at: datetime) -> tuple[Invitation, ...]:
    """Return who has not answered yet, by name, to who may invite; nobody to others. Raises NotFound."""
    may_invite = access.may(caller=caller, project_id=project_id, right=Right.MANAGE)
    return invitations.of_project(project_id=project_id, at=at) if may_invite else ()


def put_member(*, caller: Caller, project_id: UUID, name: str, role: str, at: datetime) -> Member | Invitation:
    """Invite whoever has this name to see, or also deploy; give who is a member already the other role at once.

    The answer is the same whether or not there is such a user. Opens its own transaction. Raises NotFound, Forbidden,
    Conflict when too many have not answered, or Invalid naming the field.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    _check_name(name)
    if access.owner_name(project) == name:
        raise Invalid(sentence("The owner may do everything already."), details={"user": sentence("the owner")})
    with transaction.atomic():
        projects.lock(project_id=project_id)
        member = members.named(project_id=project_id, name=name)
        if member is None:
            return _invite(caller=caller, project_id=project_id, name=name, role=role, at=at)
        members.put(project_id=project_id, user_id=member.user_id, role=role)
        detail = f"{name}: {member.role} -> {role}"
        action = AuditAction.MEMBER_ROLE_CHANGED
        record(by=caller, action=action, detail=detail, project_id=project_id, person_id=member.user_id)
        end_rights_unless_deployer(
            caller=caller, project=project, user_id=member.user_id, because=f"{name} may only look now.", at=at
        )
    return Member(user_id=member.user_id, name=name, role=role)


def _check_name(name: str) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(
            sentence("This is not a valid user name."),
            details={"user": sentence("1 to {max_name} printable characters", max_name=MAX_NAME)},
        )


def _invite(*, caller: Caller, project_id: UUID, name: str, role: str, at: datetime) -> Invitation:
    if invitations.count(project_id=project_id, at=at) >= invitations.MAX_OPEN:
        raise Conflict(sentence("{max_open} invitations are open. Withdraw some first.", max_open=invitations.MAX_OPEN))
    record(by=caller, action=AuditAction.MEMBER_INVITED, detail=f"{name} as {role}", project_id=project_id)
    return invitations.put(project_id=project_id, name=name, role=role, invited_by=caller.user_id, at=at)


def remove_member(*, caller: Caller, project_id: UUID, name: str, at: datetime) -> None:
    """Remove a member, with what they gave the project of their servers, or take an invitation back.

    Opens its own transaction. Raises NotFound, also for who is neither, or Forbidden.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    with transaction.atomic():
        projects.lock(project_id=project_id)
        invited = "\x00" not in name and invitations.remove(project_id=project_id, name=name)
        member = None if "\x00" in name else members.named(project_id=project_id, name=name)
        if member is not None:
            _remove(caller=caller, project=project, member=member, at=at)
        elif invited:
            record(by=caller, action=AuditAction.INVITATION_WITHDRAWN, detail=name, project_id=project_id)
        else:
            raise NotFound(sentence("No such member."))


def leave_project(*, caller: Caller, project_id: UUID, at: datetime) -> None:
    """Let a member go by their own wish, with what they gave the project of their servers; a group's role stays.

    Opens its own transaction. Raises NotFound, also for who is no member by themselves.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    with transaction.atomic():
        projects.lock(project_id=project_id)
        member = members.named(project_id=project_id, name=caller.name)
        if member is None:
            raise NotFound(sentence("You are not a member of this project by yourself."))
        _remove(caller=caller, project=project, member=member, at=at)


def _remove(*, caller: Caller, project: ProjectRecord, member: Member, at: datetime) -> None:
    members.remove(project_id=project.id, user_id=member.user_id)
    cut_off(project_id=project.id)
    action = AuditAction.MEMBER_REMOVED
    record(by=caller, action=action, detail=member.name, project_id=project.id, person_id=member.user_id)
    because = f"{member.name} left the project."
    end_rights_unless_deployer(caller=caller, project=project, user_id=member.user_id, because=because, at=at)


def cut_off(*, project_id: UUID) -> None:
    """Have open sockets ask anew whether they may see the project, once the transaction that took a role is stored.

    By themselves they ask no more than every few seconds, and messages bring news in between.
    """
    transaction.on_commit(lambda: live_updates.access_changed(project_id))


def end_rights_unless_deployer(
    *, caller: Caller, project: ProjectRecord, user_id: UUID, because: str, at: datetime
) -> None:
    """End what this person gave the project of their servers, unless they may deploy it still.

    Inside the transaction that took a role of theirs.
    """
    if not access.is_deployer(user_id=user_id, project=project):
        server_grants.end_given_by(project_id=project.id, user_id=user_id, by=caller, because=because, at=at)


def my_invitations(*, caller: Caller, at: datetime) -> tuple[Invitation, ...]:
    """Return what the caller was asked to join and has not answered, newest first."""
    return invitations.for_name(name=caller.name, at=at)


def accept_invitation(*, caller: Caller, invitation_id: UUID, at: datetime) -> Invitation:
    """Make the caller a member. Opens its own transaction. Raises NotFound, also for another's invitation."""
    with transaction.atomic():
        taken = _take(caller=caller, invitation_id=invitation_id, at=at)
        join(caller=caller, project_id=taken.project_id, role=taken.role)
    return taken


def join(*, caller: Caller, project_id: UUID, role: str) -> None:
    """Make the caller a member, who was invited; its owner stays what they are. Inside a transaction."""
    if projects.get(project_id=project_id).owner_id == caller.user_id:
        return
    members.put(project_id=project_id, user_id=caller.user_id, role=role)
    action = AuditAction.MEMBER_JOINED
    record(by=caller, action=action, detail=f"as {role}", project_id=project_id, person_id=caller.user_id)


def decline_invitation(*, caller: Caller, invitation_id: UUID, at: datetime) -> None:
    """Decline an invitation. Opens its own transaction. Raises NotFound, also for another's invitation."""
    with transaction.atomic():
        taken = _take(caller=caller, invitation_id=invitation_id, at=at)
        record(by=caller, action=AuditAction.INVITATION_DECLINED, project_id=taken.project_id)


def _take(*, caller: Caller, invitation_id: UUID, at: datetime) -> Invitation:
    taken = invitations.take(invitation_id=invitation_id, name=caller.name, at=at)
    if taken is None:
        raise NotFound(sentence("No such invitation."))
    return taken
