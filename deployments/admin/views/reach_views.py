"""External nodes of a project: where they are, and whether a server reaches them, tried by POST."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from deployments.admin import machine_data
from deployments.admin.forms import target_in
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import render_page, show_error
from deployments.errors import DeployError
from deployments.models import Project
from deployments.services.permissions import access
from deployments.services.queries import grant_view
from deployments.services.requests import check_reach
from deployments.types import Right

PAGE = "admin/deployments/project/reach.html"


def reach_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show external nodes and what was tried; by POST, have them tried from a target."""
    caller = require_project_viewer(request, object_id)
    if request.method == "POST":
        _check(request, object_id)
        return redirect("admin:deployments_project_reach", object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    places = grant_view.targets_of(caller=caller, project_id=object_id)
    usable = machine_data.targets(each.server for each in places if each.usable)
    return render_page(
        request,
        PAGE,
        title=_("External nodes of %(project)s") % {"project": project.name},
        project=project,
        of=Project(pk=project.id, name=project.name),
        nodes=check_reach.external_nodes(caller=caller, project_id=object_id),
        checks=check_reach.list_checks(caller=caller, project_id=object_id),
        may_check=access.may(caller=caller, project_id=object_id, right=Right.DEPLOY),
        targets=usable + machine_data.ready_clusters(caller, project),
    )


def _check(request: HttpRequest, object_id: UUID) -> None:
    try:
        made = check_reach.check_reach(
            caller=require_project_viewer(request, object_id),
            project_id=object_id,
            target=target_in(request.POST.get("target", "")),
            check_id=uuid4(),
            nodes=request.POST.getlist("node"),
        )
        messages.success(request, _("Being tried from %(server)s.") % {"server": made.server_name})
    except DeployError as error:
        show_error(request, error)
