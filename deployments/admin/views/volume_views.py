"""Volumes of a project or of a server: what is left over, and the end of one by typing its name."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from agents.models import Server
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin.ownership import caller_in, or_404, require_project_viewer
from deployments.admin.page_responses import render_page, show_error
from deployments.data.end_types import VolumeDeletionRecord
from deployments.errors import DeployError, Invalid, NotFound
from deployments.models import Project
from deployments.services.ends import volume_deletion, volumes
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.types import Caller, Right

PAGE = "admin/deployments/project/volumes.html"
TYPE_IT = lazy("Type the volume's whole name to delete it.")


def project_volumes_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the project's volumes; by POST, have one deleted whose name was typed."""
    caller = require_project_viewer(request, object_id)
    if request.method == "POST":
        _delete(
            request,
            lambda server_id, name: volume_deletion.delete_project_volume(
                caller=caller,
                project_id=object_id,
                server_id=server_id,
                name=name,
                deletion_id=uuid4(),
                at=timezone.now(),
            ),
        )
        return redirect("admin:deployments_project_volumes", object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    return render_page(
        request,
        PAGE,
        title=gettext("Volumes of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        lines=volumes.list_project_volumes(caller=caller, project_id=object_id),
        deletions=volume_deletion.list_project_deletions(caller=caller, project_id=object_id),
        may_delete=access.may(caller=caller, project_id=object_id, right=Right.MANAGE),
        shows_projects=False,
        back=reverse("admin:deployments_project_change", args=[object_id]),
        back_to=project.name,
    )


def server_volumes_page(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Show all volumes on a server of the caller's; by POST, have one deleted whose name was typed."""
    caller: Caller = caller_in(request)
    server = or_404(machine_list.get_server, caller=caller, server_id=server_id)
    if request.method == "POST":
        _delete(
            request,
            lambda _, name: volume_deletion.delete_server_volume(
                caller=caller, server_id=server_id, name=name, deletion_id=uuid4(), at=timezone.now()
            ),
        )
        return redirect("admin:agents_server_volumes", server_id)
    return render_page(
        request,
        PAGE,
        title=gettext("Volumes on {server}").format(server=server.name),
        of=Server(pk=server.id, name=server.name),
        lines=volumes.list_server_volumes(caller=caller, server_id=server_id),
        deletions=volume_deletion.list_server_deletions(caller=caller, server_id=server_id),
        may_delete=True,
        shows_projects=True,
        back=reverse("admin:agents_server_overview", args=[server_id]),
        back_to=server.name,
    )


def _delete(request: HttpRequest, order: Callable[[UUID, str], VolumeDeletionRecord]) -> None:
    """Order the posted volume's end if its name was typed; the next page says what became of it."""
    name, typed = request.POST.get("volume", ""), request.POST.get("typed", "").strip()
    try:
        if not name or typed != name:
            raise Invalid(TYPE_IT, details={"typed": sentence("not the volume's name")})
        ordered = order(UUID(request.POST.get("server", "")), name)
        messages.success(
            request, gettext("{volume} is being deleted by the server's agent.").format(volume=ordered.volume)
        )
    except ValueError:
        show_error(request, NotFound(sentence("No such server.")))
    except DeployError as error:
        show_error(request, error)
