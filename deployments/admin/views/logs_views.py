"""What the containers of a project write: the page asks a socket of its own, and only for as long as it is open."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

from agents.wording.pages import lazy
from deployments.admin.ownership import or_404, require_project_viewer
from deployments.admin.page_responses import render_page
from deployments.models import Project
from deployments.services.permissions import access
from deployments.services.queries import lane_view, lookups
from deployments.types import Right, TargetKind

PAGE = "admin/deployments/project/logs.html"
# Words for how far back, in seconds; the first is what the page begins with.
BACK = (
    (0, lazy("the last lines")),
    (900, lazy("the last 15 minutes")),
    (3600, lazy("the last hour")),
    (86400, lazy("the last day")),
)


def logs_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the page; `?server=`, `?service=`, `?back=` and `?search=` narrow what it asks for."""
    caller = require_project_viewer(request, object_id)
    project = or_404(access.project_for, caller=caller, project_id=object_id, right=Right.SEE)
    lanes = [lane for lane in lane_view.view_lanes(caller=caller, project_id=object_id) if lane.running]
    services = {
        service.name
        for lane in lanes
        if lane.running
        for service in lookups.get_deployment(caller=caller, deployment_id=lane.running.deployment_id).services
    }
    wanted = {name: request.GET.get(name, "")[:200] for name in ("server", "service", "back", "search")}
    return render_page(
        request,
        PAGE,
        title=gettext("Logs of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        project=project,
        servers=[(str(lane.target.id), lane.target_name) for lane in lanes if lane.target.kind is TargetKind.SERVER],
        services=sorted(services),
        back=[(str(seconds), words) for seconds, words in BACK],
        wanted=wanted,
        state={
            "wanted": wanted,
            "address": {
                "socket": f"/ws/projects/{project.id}/logs/",
                "state": reverse("admin:deployments_project_state", args=[project.id]),
            },
        },
    )
