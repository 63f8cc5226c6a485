"""Adding an application that can be deployed at once: from an image, an example, or a graph of one's own."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin.forms import GraphForm
from deployments.admin.ownership import caller_in
from deployments.admin.page_responses import error_lines, render_page
from deployments.errors import DeployError, Invalid
from deployments.models import Project
from deployments.services.projects import new_project, sources
from deployments.types import Caller, ProjectRecord

PAGE = "admin/deployments/project/new.html"
DEFAULTS = {"name": "", "image": "", "port": "80", "hostPort": "8080", "database": ""}

# What the examples say of themselves in their own files, for the catalogues.
ABOUT_EXAMPLES = (
    lazy(
        "An image (Caddy) and a PostgreSQL database beside it, nothing is built. Put your image in its place. "
        "At port 18080."
    ),
    lazy("A page of Python code, built from its source, that keeps notes in a database. At port 18081."),
    lazy(
        "Six parts that talk to each other: two pages, a worker, Redis, PostgreSQL and a gateway. Built from code; "
        "at port 8080."
    ),
)


def new_project_view(request: HttpRequest) -> HttpResponse:
    """Show the ways to begin; by POST take one, and lead to the new project's page."""
    complaints: list[str] = []
    if request.method == "POST":
        try:
            project = created(request, caller_in(request))
        except DeployError as error:
            complaints = error_lines(error)
        else:
            if request.POST.get("from") == "compose":
                return redirect("admin:deployments_project_compose", project.id)
            messages.success(
                request, gettext("{project} was added. Review the changes, then deploy.").format(project=project.name)
            )
            return redirect("admin:deployments_project_change", project.id)
    return render_page(
        request,
        PAGE,
        title=gettext("Add an application"),
        of=Project(name=gettext("Add an application")),
        examples=new_project.examples(),
        databases=new_project.DATABASES,
        complaints=complaints,
        given={name: request.POST.get(name, default) for name, default in DEFAULTS.items()},
    )


def created(request: HttpRequest, caller: Caller) -> ProjectRecord:
    """Create what the form asks for. Raise Invalid, Conflict, NotFound or TooMuch."""
    posted, project_id = request.POST, uuid4()
    if posted.get("from") == "example":
        return new_project.create_from_example(caller=caller, key=posted.get("example", ""), project_id=project_id)
    if posted.get("from") == "compose":
        return sources.create_project(caller=caller, project_id=project_id, name=posted.get("name", ""))
    graph = graph_in(request) if posted.get("from") == "graph" else image_in(request)
    return new_project.create_with_graph(
        caller=caller, project_id=project_id, name=posted.get("name", "").strip(), graph=graph
    )


def image_in(request: HttpRequest) -> dict[str, Any]:
    posted = request.POST
    return new_project.graph_of_image(
        image=posted.get("image", ""),
        port=posted.get("port", ""),
        host_port=posted.get("hostPort", ""),
        database=posted.get("database", ""),
    )


def graph_in(request: HttpRequest) -> dict[str, Any]:
    form = GraphForm(request.POST, request.FILES)
    if not form.is_valid():
        complaints = [str(each) for each in form.errors.get("graph", ())]
        raise Invalid(" ".join(complaints) or gettext("Choose a file."), details={"graph": sentence("not readable")})
    graph: dict[str, Any] = form.cleaned_data["graph"]
    return graph
