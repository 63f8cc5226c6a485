"""REST for roles of groups, links into a project and its owner."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.api.schemas.project_responses import ProjectOut
from deployments.api.schemas.team_schemas import GroupRoleOut, JoinedOut, JoinIn, LinkOut, NewLinkOut, OwnerIn, RoleIn
from deployments.data.sharing_types import LinkRecord
from deployments.event_types import epoch_ms
from deployments.roles import GroupRole, Role
from deployments.services.sharing import group_roles, ownership, project_links
from deployments.wire import project_shape

TAG = "members"


class ProjectGroups(BaseView):
    @documented(
        "listGroupRoles",
        "List the groups of people that have a role in the project",
        tag=TAG,
        answers={200: enveloped_data("GroupRolesAnswer", groups=GroupRoleOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        found = group_roles.list_groups(caller=self.caller, project_id=project_id)
        return success({"data": {"groups": [group_shape(each) for each in found]}})


class ProjectGroup(BaseView):
    @documented(
        "putGroupRole",
        "Give a group that you belong to a role in the project, or change its role",
        tag=TAG,
        takes=RoleIn,
        answers={200: enveloped_data("GroupRoleAnswer", group=GroupRoleOut())},
    )
    def put(self, request: Request, project_id: UUID, name: str) -> Response:
        role = Role(validated(RoleIn, request.data)["role"])
        given = group_roles.put_group(
            caller=self.caller, project_id=project_id, name=name, role=role, at=timezone.now()
        )
        return success({"data": {"group": group_shape(given)}})

    @documented("removeGroupRole", "Remove a group from the project", tag=TAG, answers={204: None})
    def delete(self, request: Request, project_id: UUID, name: str) -> Response:
        group_roles.remove_group(caller=self.caller, project_id=project_id, name=name, at=timezone.now())
        return Response(status=204)


class ProjectOwner(BaseView):
    @documented(
        "changeOwner",
        "Make a member the owner of the project; the former owner stays as an approver",
        tag=TAG,
        takes=OwnerIn,
        answers={200: enveloped("OwnerAnswer", project=ProjectOut())},
    )
    def put(self, request: Request, project_id: UUID) -> Response:
        name = validated(OwnerIn, request.data)["user"]
        project = ownership.change_owner(caller=self.caller, project_id=project_id, name=name)
        return success({"project": project_shape(project)})


class ProjectLinks(BaseView):
    @documented(
        "listInvitationLinks",
        "List the project's open invitation links, for its owner",
        tag=TAG,
        answers={200: enveloped_data("LinksAnswer", links=LinkOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        found = project_links.list_links(caller=self.caller, project_id=project_id, at=timezone.now())
        return success({"data": {"links": [link_shape(each) for each in found]}})

    @documented(
        "createInvitationLink",
        "Create a link that makes one person a member; it is shown once and works once, for three days",
        tag=TAG,
        takes=RoleIn,
        answers={201: enveloped_data("LinkAnswer", link=NewLinkOut())},
        key=True,
    )
    @idempotent(keep=False)
    def post(self, request: Request, project_id: UUID) -> Response:
        role = Role(validated(RoleIn, request.data)["role"])
        made, text = project_links.create_link(caller=self.caller, project_id=project_id, role=role, at=timezone.now())
        address = request.build_absolute_uri(reverse("join-project", args=[text]))
        return success({"data": {"link": {**link_shape(made), "link": text, "address": address}}}, status=201)


class ProjectLink(BaseView):
    @documented("withdrawInvitationLink", "Withdraw an invitation link", tag=TAG, answers={204: None})
    def delete(self, request: Request, project_id: UUID, link_id: UUID) -> Response:
        project_links.withdraw_link(caller=self.caller, project_id=project_id, link_id=link_id)
        return Response(status=204)


class JoinProject(BaseView):
    @documented(
        "useInvitationLink",
        "Become a member of the project that an invitation link leads to",
        tag=TAG,
        takes=JoinIn,
        answers={200: enveloped_data("JoinedAnswer", joined=JoinedOut())},
        key=True,
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        text = validated(JoinIn, request.data)["link"]
        used = project_links.use_link(caller=self.caller, text=text, at=timezone.now())
        joined = {"projectId": str(used.project_id), "projectName": used.project_name, "role": used.role}
        return success({"data": {"joined": joined}})


def group_shape(given: GroupRole) -> dict[str, Any]:
    return {"name": given.group.name, "role": str(given.role), "people": list(given.group.members)}


def link_shape(link: LinkRecord) -> dict[str, Any]:
    """Return a link without its text, which nobody has any more."""
    return {
        "id": str(link.id),
        "role": link.role,
        "createdBy": link.created_by,
        "createdAt": epoch_ms(link.created_at),
        "expiresAt": epoch_ms(link.expires_at),
    }
