"""Where a project may be deployed to, for its people: what is allowed, offered, and what one could give oneself."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.data.sharing_types import GrantState
from deployments.errors import DeployError, NotFound
from deployments.models import Project
from deployments.services.permissions import access
from deployments.services.queries import grant_view
from deployments.services.sharing import server_grants
from deployments.types import Caller, Right

PAGE = "admin/deployments/project/targets.html"
MESSAGE_OF_STATE = {
    GrantState.GRANTED: lazy("The project may be deployed there now."),
    GrantState.OFFERED: lazy("The server is offered. The project's owner still has to allow it."),
    GrantState.ASKED: lazy("The server is allowed. Its owner still has to offer it."),
    GrantState.NONE: lazy("Nothing changed."),
}


def targets_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the servers; by POST, allow or end the use of one of them."""
    caller = require_project_viewer(request, object_id)
    if request.method == "POST":
        change_grant(request, caller, object_id)
        return redirect("admin:deployments_project_targets", object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    return render_page(
        request,
        PAGE,
        title=gettext("Servers of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        project=project,
        targets=grant_view.targets_of(caller=caller, project_id=object_id),
    )


def change_grant(request: HttpRequest, caller: Caller, project_id: UUID) -> None:
    """Allow or end the use of the posted server; the next page says what became of it."""
    at = timezone.now()
    try:
        server_id = UUID(request.POST.get("server", ""))
        if request.POST.get("do") == "end":
            server_grants.withdraw(caller=caller, project_id=project_id, server_id=server_id, at=at)
            messages.success(
                request,
                gettext(
                    "The project can no longer use this server. What is running there keeps running until you stop it."
                ),
            )
        elif request.POST.get("do") == "allow":
            state = server_grants.allow(caller=caller, project_id=project_id, server_id=server_id, at=at)
            messages.success(request, MESSAGE_OF_STATE[state])
        else:
            raise unknown_action()
    except ValueError:
        show_error(request, NotFound(sentence("No such server.")))
    except DeployError as error:
        show_error(request, error)
