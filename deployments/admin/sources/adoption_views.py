"""Containers of a server that are not ours: look, choose, see what becomes of them, and make a project of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from agents.models import Server
from agents.wording.sentences import sentence
from deployments.admin.ownership import caller_in, or_404
from deployments.admin.page_responses import error_lines, render_page, show_error
from deployments.admin.sources.compose_views import grouped_lines
from deployments.errors import DeployError, NotFound
from deployments.services.adoption import adopt, inspections
from deployments.services.adoption.adopt import AdoptionPlan
from deployments.services.fleet import machine_list
from deployments.types import Caller

PAGE = "admin/agents/containers.html"


def containers_page(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Show what runs there; by POST look anew, preview what becomes of the chosen ones, or make a project of them."""
    caller = caller_in(request)
    server = or_404(machine_list.get_server, caller=caller, server_id=server_id)
    plan: AdoptionPlan | None = None
    complaints: list[str] = []
    if request.method == "POST":
        try:
            done = _act(request, caller, server_id)
            if isinstance(done, HttpResponse):
                return done
            plan = done
        except DeployError as error:
            if request.POST.get("do") == "look":
                show_error(request, error)
                return redirect("admin:agents_server_containers", server_id)
            complaints = error_lines(error)
    last, groups = inspections.last_inspection(caller=caller, server_id=server_id)
    return render_page(
        request,
        PAGE,
        title=_("Containers on %(server)s") % {"server": server.name},
        of=Server(pk=server.id, name=server.name),
        server=server,
        inspection=last,
        groups=groups,
        plan=plan,
        lines=grouped_lines(plan.result.lines) if plan else [],
        complaints=complaints,
        chosen=request.POST.getlist("group"),
        name=request.POST.get("name", ""),
    )


def _act(request: HttpRequest, caller: Caller, server_id: UUID) -> HttpResponse | AdoptionPlan:
    """Do what was posted: lead on where something was stored, return the plan where nothing was."""
    if request.POST.get("do") == "look":
        inspections.inspect_server(caller=caller, server_id=server_id, adoption_id=uuid4())
        messages.success(request, _("The server's agent has been asked. Reload this page in a moment."))
        return redirect("admin:agents_server_containers", server_id)
    try:
        adoption_id = UUID(request.POST.get("inspection", ""))
    except ValueError:
        raise NotFound(sentence("There is no such inspection of this server.")) from None
    keys = request.POST.getlist("group")
    named: dict[str, Any] = {"caller": caller, "server_id": server_id, "adoption_id": adoption_id, "keys": keys}
    if request.POST.get("do") != "adopt":
        return adopt.plan_adoption(**named)
    project, _plan = adopt.adopt_containers(**named, name=request.POST.get("name", "").strip(), project_id=uuid4())
    said = _(
        "%(project)s was made. Nothing was touched: its first deployment to this server takes the containers over."
    )
    messages.success(request, said % {"project": project.name})
    return redirect("admin:deployments_project_change", project.id)
