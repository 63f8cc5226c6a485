"""REST for who may see or deploy a project besides its owner, and for who was asked to."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.openapi import NO_BODY, documented, enveloped_data
from deployments.api.schemas.responses import InvitationOut, MemberOut
from deployments.api.schemas.team_schemas import RoleIn
from deployments.data.sharing_types import Invitation
from deployments.event_types import epoch_ms
from deployments.services.sharing import membership
from deployments.types import Member

TAG = "members"


class ProjectMembers(BaseView):
    @documented(
        "listMembers",
        "List the members of a project; its owner also sees open invitations",
        tag=TAG,
        answers={200: enveloped_data("MembersAnswer", members=MemberOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        joined = membership.list_members(caller=self.caller, project_id=project_id)
        invited = membership.list_invited(caller=self.caller, project_id=project_id, at=timezone.now())
        shapes = [*(member_shape(member) for member in joined), *(member_shape(member) for member in invited)]
        return success({"data": {"members": shapes}})


class ProjectMember(BaseView):
    @documented(
        "putMember",
        "Invite a person by name with a role, or change the role of a member",
        tag=TAG,
        takes=RoleIn,
        answers={200: enveloped_data("MemberAnswer", member=MemberOut())},
    )
    def put(self, request: Request, project_id: UUID, name: str) -> Response:
        role = validated(RoleIn, request.data)["role"]
        member = membership.put_member(
            caller=self.caller, project_id=project_id, name=name, role=role, at=timezone.now()
        )
        return success({"data": {"member": member_shape(member)}})

    @documented(
        "removeMember",
        "Remove a member, leave by your own name, or withdraw an invitation",
        tag=TAG,
        answers={204: None},
    )
    def delete(self, request: Request, project_id: UUID, name: str) -> Response:
        if name == self.caller.name:
            membership.leave_project(caller=self.caller, project_id=project_id, at=timezone.now())
        else:
            membership.remove_member(caller=self.caller, project_id=project_id, name=name, at=timezone.now())
        return Response(status=204)


class Invitations(BaseView):
    @documented(
        "listInvitations",
        "List your open invitations, newest first",
        tag=TAG,
        answers={200: enveloped_data("InvitationsAnswer", invitations=InvitationOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        invitations = membership.my_invitations(caller=self.caller, at=timezone.now())
        return success({"data": {"invitations": [invitation_shape(invitation) for invitation in invitations]}})


class InvitationDetail(BaseView):
    @documented("declineInvitation", "Decline an invitation to a project", tag=TAG, answers={204: None})
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        membership.decline_invitation(caller=self.caller, invitation_id=invitation_id, at=timezone.now())
        return Response(status=204)


class AcceptInvitation(BaseView):
    @documented(
        "acceptInvitation",
        "Accept an invitation to a project",
        tag=TAG,
        takes=NO_BODY,
        answers={200: enveloped_data("InvitationAnswer", invitation=InvitationOut())},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, invitation_id: UUID) -> Response:
        taken = membership.accept_invitation(caller=self.caller, invitation_id=invitation_id, at=timezone.now())
        return success({"data": {"invitation": invitation_shape(taken)}})


def member_shape(member: Member | Invitation) -> dict[str, Any]:
    """Return a member, or somebody who was invited.

    The latter without an id, which would tell whether there is such a user.
    """
    if isinstance(member, Invitation):
        return {"userId": None, "name": member.name, "role": member.role, "state": "invited"}
    return {"userId": str(member.user_id), "name": member.name, "role": member.role, "state": "member"}


def invitation_shape(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": str(invitation.id),
        "projectId": str(invitation.project_id),
        "projectName": invitation.project_name,
        "role": invitation.role,
        "invitedBy": invitation.invited_by,
        "createdAt": epoch_ms(invitation.created_at),
    }
