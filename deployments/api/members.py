"""REST for who may see or deploy a project besides its owner."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.answers import MemberOut
from deployments.api.common import Door, checked, ok
from deployments.api.documents import data, documented
from deployments.api.serializers import RoleIn
from deployments.services import members
from deployments.types import Member

TAG = "members"


class ProjectMembers(Door):
    @documented(
        "listMembers",
        "Who may see or deploy, besides the owner",
        tag=TAG,
        answers={200: data("MembersAnswer", members=MemberOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        found = members.list_members(caller=self.caller, project_id=project_id)
        return ok({"data": {"members": [member_shape(member) for member in found]}})


class ProjectMember(Door):
    @documented(
        "putMember",
        "Let a user see, or also deploy",
        tag=TAG,
        takes=RoleIn,
        answers={200: data("MemberAnswer", member=MemberOut())},
    )
    def put(self, request: Request, project_id: UUID, name: str) -> Response:
        body = checked(RoleIn, request.data)
        member = members.put_member(caller=self.caller, project_id=project_id, name=name, role=body["role"])
        return ok({"data": {"member": member_shape(member)}})

    @documented("removeMember", "From now on the user is a stranger to the project", tag=TAG, answers={204: None})
    def delete(self, request: Request, project_id: UUID, name: str) -> Response:
        members.remove_member(caller=self.caller, project_id=project_id, name=name, at=timezone.now())
        return Response(status=204)


def member_shape(member: Member) -> dict[str, Any]:
    return {"userId": str(member.user_id), "name": member.name, "role": member.role}
