"""Who changed what: a page for projects, for servers and clusters, and for people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

from agents.models import Cluster, Server
from deployments.admin.ownership import caller_in, or_404
from deployments.admin.page_responses import render_page
from deployments.data.audit_types import AuditRecord
from deployments.data.list_types import Page
from deployments.models import Project, User
from deployments.services.fleet import machine_changes, machine_list
from deployments.services.permissions import access
from deployments.services.queries import audit_view
from deployments.types import Right

PAGE = "admin/deployments/activity.html"
MAX_PAGE = 10_000


def project_activity(request: HttpRequest, object_id: UUID) -> HttpResponse:
    caller = caller_in(request)
    project = or_404(access.project_for, caller=caller, project_id=object_id, right=Right.SEE)
    found = audit_view.of_project(caller=caller, project_id=object_id, page=page_in(request))
    back = reverse("admin:deployments_project_change", args=[object_id])
    return activity_page(request, found, of=Project(pk=object_id, name=project.name), name=project.name, back=back)


def server_activity(request: HttpRequest, object_id: UUID) -> HttpResponse:
    caller = caller_in(request)
    server = or_404(machine_list.get_server, caller=caller, server_id=object_id)
    found = audit_view.of_machine(caller=caller, machine_id=object_id, page=page_in(request))
    back = reverse("admin:agents_server_overview", args=[object_id])
    return activity_page(request, found, of=Server(pk=object_id, name=server.name), name=server.name, back=back)


def cluster_activity(request: HttpRequest, object_id: UUID) -> HttpResponse:
    caller = caller_in(request)
    cluster = or_404(machine_changes.get_cluster, caller=caller, cluster_id=object_id)
    found = audit_view.of_machine(caller=caller, machine_id=object_id, page=page_in(request))
    back = reverse("admin:agents_cluster_change", args=[object_id])
    return activity_page(request, found, of=Cluster(pk=object_id, name=cluster.name), name=cluster.name, back=back)


def person_activity(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show it to the person, and to administrators."""
    caller = caller_in(request)
    found = or_404(audit_view.of_person, caller=caller, person_id=object_id, page=page_in(request))
    name = access.name_of(object_id)
    route = "admin:deployments_user_change" if caller.sees_everything else ""
    back = reverse(route, args=[object_id]) if route else reverse("admin:index")
    return activity_page(request, found, of=User(pk=object_id, username=name), name=name, back=back)


def your_activity(request: HttpRequest) -> HttpResponse:
    """Show what the signed-in person did, and what was changed of them."""
    return person_activity(request, caller_in(request).user_id)


def page_in(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return min(int(text), MAX_PAGE) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def activity_page(
    request: HttpRequest, found: Page[AuditRecord], *, of: Model, name: str, back: str, **more: Any
) -> HttpResponse:
    title = gettext("Activity of {name}").format(name=name)
    return render_page(request, PAGE, title=title, of=of, name=name, back=back, found=found, **more)
