"""The graph as text: to read, to download, and to edit with the generator's problems beside it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from agents.wording.sentences import sentence
from deployments import json_input
from deployments.admin.forms import MAX_GRAPH_BYTES
from deployments.admin.ownership import or_404, require_project_viewer
from deployments.admin.page_data import may
from deployments.admin.page_responses import error_lines, render_page
from deployments.errors import DeployError, Invalid
from deployments.models import Project
from deployments.services.permissions import access
from deployments.services.projects import graph_check, sources
from deployments.types import Caller, Right

PAGE = "admin/deployments/project/graph.html"
EMPTY: dict[str, Any] = {"nodes": [], "edges": []}


def download_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Return the newest graph as a file; values of secrets are not in it."""
    caller = require_project_viewer(request, object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    stored = or_404(sources.latest_graph, caller=caller, project_id=object_id)
    answer = JsonResponse(
        dict(stored.graph) if stored else EMPTY, json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    version = f"-v{stored.version}" if stored else ""
    answer["Content-Disposition"] = f'attachment; filename="{project.slug}-graph{version}.json"'
    answer["Cache-Control"] = "no-store"
    return answer


def edit_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the newest graph as text; by POST check it, or store it as the next version when nothing is wrong."""
    caller = require_project_viewer(request, object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    stored = sources.latest_graph(caller=caller, project_id=object_id)
    text = json.dumps(stored.graph if stored else EMPTY, indent=2, ensure_ascii=False)
    complaints: list[str] = []
    remarks: tuple[str, ...] | None = None
    if request.method == "POST":
        text = request.POST.get("text", "")
        try:
            remarks = checked(request, caller, object_id, text)
        except DeployError as error:
            complaints = error_lines(error)
        if not complaints and request.POST.get("do") == "save":
            return redirect("admin:deployments_project_change", object_id)
    return render_page(
        request,
        PAGE,
        title=gettext("Graph of {project}").format(project=project.name),
        of=Project(pk=object_id, name=project.name),
        project=project,
        version=stored.version if stored else 0,
        text=text,
        complaints=complaints,
        remarks=remarks,
        owner=access.owner_name(project),
        can_change=may(caller=caller, project_id=object_id, right=Right.CHANGE),
    )


def checked(request: HttpRequest, caller: Caller, project_id: UUID, text: str) -> tuple[str, ...]:
    """Return the generator's warnings; store the graph where that is asked for. Raise Invalid with every problem."""
    graph = graph_in(text)
    if request.POST.get("do") != "save":
        return graph_check.check_graph(caller=caller, project_id=project_id, graph=graph)
    stored = sources.store_graph(caller=caller, project_id=project_id, graph=graph)
    messages.success(request, gettext("Graph saved (version {version}).").format(version=stored.version))
    return ()


def graph_in(text: str) -> dict[str, Any]:
    """Read a graph that was typed. Raise Invalid, with line and column where it is no JSON."""
    content = text.encode()
    if len(content) > MAX_GRAPH_BYTES:
        raise Invalid(sentence("The graph is larger than 16 MiB."), details={"graph": sentence("too large")})
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(sentence("This is not valid JSON. {error}", error=error), details={"graph": str(error)}) from None
    return json_input.read_object(content)
