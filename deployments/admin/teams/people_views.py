"""The people of a project: its owner, members, groups, invitations and links; changed by its owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext

from agents.wording.pages import shown
from agents.wording.sentences import sentence
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.errors import DeployError, Invalid, NotFound
from deployments.models import Project
from deployments.roles import GIVEN, ROLE_WORDS, Role
from deployments.services.permissions import access
from deployments.services.sharing import group_roles, membership, ownership, project_links
from deployments.types import Caller, Right

PAGE = "admin/deployments/project/people.html"


def people_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show who may do what; by POST, invite, change or remove somebody. A new link is shown in the answer, once."""
    caller = require_project_viewer(request, object_id)
    link = ""
    if request.method == "POST":
        link, left = change(request, caller, object_id)
        if left:
            return redirect("admin:deployments_project_changelist")
        if not link:
            return redirect("admin:deployments_project_people", object_id)
    project, at = access.project_for(caller=caller, project_id=object_id, right=Right.SEE), timezone.now()
    page = render_page(
        request,
        PAGE,
        title=gettext("People of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        project=project,
        owner=access.owner_name(project),
        me=caller.name,
        members=membership.list_members(caller=caller, project_id=object_id),
        groups=group_roles.list_groups(caller=caller, project_id=object_id),
        invited=membership.list_invited(caller=caller, project_id=object_id, at=at),
        links=project_links.list_links(caller=caller, project_id=object_id, at=at),
        groups_to_give=group_roles.groups_to_give(caller),
        roles=[(role.value, shown(role.value).capitalize(), shown(ROLE_WORDS[role])) for role in GIVEN],
        may_manage=access.may(caller=caller, project_id=object_id, right=Right.MANAGE),
        link=link,
    )
    if link:
        add_never_cache_headers(page)
    return page


def change(request: HttpRequest, caller: Caller, project_id: UUID) -> tuple[str, bool]:
    """Do what was posted; return the address of a new link, and whether the caller may have left the project."""
    todo = request.POST.get("do", "")
    try:
        if todo == "link":
            return new_link(request, caller, project_id), False
        if todo not in CHANGES:
            raise unknown_action()
        messages.success(request, CHANGES[todo](request, caller, project_id, timezone.now()))
    except DeployError as error:
        show_error(request, error)
    return "", todo == "leave"


def new_link(request: HttpRequest, caller: Caller, project_id: UUID) -> str:
    """Return the address of a link made just now. Raise DeployError."""
    _, text = project_links.create_link(caller=caller, project_id=project_id, role=role_in(request), at=timezone.now())
    return request.build_absolute_uri(reverse("join-project", args=[text]))


def role_in(request: HttpRequest) -> Role:
    """Return the posted role. Raise Invalid for one that nobody can be given."""
    role = request.POST.get("role", "")
    if role not in {each.value for each in GIVEN}:
        raise Invalid(sentence("Choose a role."), details={"role": sentence("unknown")})
    return Role(role)


def put_member(request: HttpRequest, caller: Caller, project_id: UUID, at: datetime) -> str:
    name = request.POST.get("name", "").strip()
    membership.put_member(caller=caller, project_id=project_id, name=name, role=role_in(request), at=at)
    return gettext("{name} is a member with this role, or is invited to be one.").format(name=name)


def remove_member(request: HttpRequest, caller: Caller, project_id: UUID, at: datetime) -> str:
    name = request.POST.get("name", "")
    membership.remove_member(caller=caller, project_id=project_id, name=name, at=at)
    return gettext("{name} was removed.").format(name=name)


def leave(request: HttpRequest, caller: Caller, project_id: UUID, at: datetime) -> str:
    del request
    membership.leave_project(caller=caller, project_id=project_id, at=at)
    return gettext("You left the project.")


def put_group(request: HttpRequest, caller: Caller, project_id: UUID, at: datetime) -> str:
    name = request.POST.get("name", "")
    group_roles.put_group(caller=caller, project_id=project_id, name=name, role=role_in(request), at=at)
    return gettext("The group {name} has this role now.").format(name=name)


def remove_group(request: HttpRequest, caller: Caller, project_id: UUID, at: datetime) -> str:
    name = request.POST.get("name", "")
    group_roles.remove_group(caller=caller, project_id=project_id, name=name, at=at)
    return gettext("The group {name} was removed.").format(name=name)


def withdraw_link(request: HttpRequest, caller: Caller, project_id: UUID, at: datetime) -> str:
    del at
    try:
        link_id = UUID(request.POST.get("link", ""))
    except ValueError:
        raise NotFound(sentence("No such link.")) from None
    project_links.withdraw_link(caller=caller, project_id=project_id, link_id=link_id)
    return gettext("The link was withdrawn.")


def change_owner(request: HttpRequest, caller: Caller, project_id: UUID, at: datetime) -> str:
    del at
    name = request.POST.get("name", "")
    ownership.change_owner(caller=caller, project_id=project_id, name=name)
    return gettext("{name} is the owner now.").format(name=name)


CHANGES: dict[str, Callable[[HttpRequest, Caller, UUID, datetime], str]] = {
    "member": put_member,
    "remove": remove_member,
    "leave": leave,
    "group": put_group,
    "remove-group": remove_group,
    "withdraw": withdraw_link,
    "owner": change_owner,
}
