"""The end of a project: what goes and what stays first, begun by typing its name, and how far it is."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.errors import DeployError, Invalid
from deployments.models import Project
from deployments.services.ends import project_deletion, volumes
from deployments.services.permissions import access

PAGE = "admin/deployments/project/deletion.html"


def deletion_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Say what goes and what stays, or how far it is; begin, or continue what is stuck, by POST."""
    caller = require_project_viewer(request, object_id)
    try:
        project = access.project_to_end(caller=caller, project_id=object_id)
        if request.POST.get("do") == "cancel":
            project_deletion.cancel_deletion(caller=caller, project_id=object_id)
            messages.success(
                request,
                gettext("{project} is not deleted. What was stopped stays stopped.").format(project=project.name),
            )
            return redirect("admin:deployments_project_change", object_id)
        if request.method == "POST":
            if request.POST.get("do"):
                raise unknown_action()
            project_deletion.delete_project(
                caller=caller,
                project_id=object_id,
                typed_name=request.POST.get("typed", "").strip(),
                delete_volumes=request.POST.get("volumes") == "1",
            )
            messages.success(request, gettext("{project} is being deleted.").format(project=project.name))
            return redirect("admin:deployments_project_deletion", object_id)
    except Invalid as error:
        show_error(request, error)
        return redirect("admin:deployments_project_deletion", object_id)
    except DeployError as error:
        show_error(request, error)
        return redirect("admin:deployments_project_change", object_id)
    return render_page(
        request,
        PAGE,
        title=gettext("Delete {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        project=project,
        deletion=project_deletion.deletion_of(caller=caller, project_id=object_id),
        may_cancel=project_deletion.may_cancel(project_id=object_id),
        lines=volumes.lines_of(project=project),
    )
