"""The variables of a project that stay: their names with who set each, set, removed or read from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from agents.wording.sentences import sentence
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.data.variable_types import PROJECT_WIDE, ChangedVariable, Place, Scope, StoredVariable
from deployments.errors import DeployError, Invalid
from deployments.models import Project
from deployments.services.permissions import access
from deployments.services.projects import project_variables, sources
from deployments.services.queries import grant_view
from deployments.services.secrets import env_file
from deployments.types import Caller, Right

PAGE = "admin/deployments/project/variables.html"
MAX_CHANGES = 30
SEPARATOR = ":"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A place by what people call it; `value` is how the form writes it."""

    value: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A variable, or a change of one, with its place by name."""

    what: StoredVariable | ChangedVariable
    place: Choice


def variables_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the names; by POST, set or remove one, or take what a file gives. No answer ever holds a value."""
    caller = require_project_viewer(request, object_id)
    if request.method == "POST":
        change(request, caller, object_id)
        return redirect("admin:deployments_project_variables", object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    choices = choices_of(caller, object_id)
    found = project_variables.list_variables(caller=caller, project_id=object_id)
    changes = project_variables.list_changes(caller=caller, project_id=object_id, limit=MAX_CHANGES)
    return render_page(
        request,
        PAGE,
        title=gettext("Variables of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        project=project,
        choices=choices,
        rows=[Row(what=each, place=named(each.place, choices)) for each in found],
        changes=[Row(what=each, place=named(each.place, choices)) for each in changes],
        may_set=access.may(caller=caller, project_id=object_id, right=Right.DEPLOY),
    )


def choices_of(caller: Caller, project_id: UUID) -> list[Choice]:
    """Return what a variable may belong to: the project, a server that it may use, a node of the newest graph."""
    graph = sources.latest_graph(caller=caller, project_id=project_id)
    nodes = graph.graph.get("nodes", []) if graph else []
    usable = [each.server for each in grant_view.targets_of(caller=caller, project_id=project_id) if each.usable]
    return [
        Choice(value=written(PROJECT_WIDE), label=gettext("Every service")),
        *(
            Choice(value=written(_on(server.id)), label=gettext("Every service on {server}").format(server=server.name))
            for server in usable
        ),
        *(Choice(value=written(_of(node)), label=gettext("Only {node}").format(node=_label(node))) for node in nodes),
    ]


def named(place: Place, choices: list[Choice]) -> Choice:
    """Return the place by its name, or by its id where it is gone or not for this person to see."""
    value = written(place)
    known = next((choice for choice in choices if choice.value == value), None)
    gone = gettext("on a server") if place.scope is Scope.TARGET else gettext("for a node that is not in the graph:")
    return known or Choice(value=value, label=f"{gone} {place.key[:60]}")


def change(request: HttpRequest, caller: Caller, project_id: UUID) -> None:
    """Do what the posted form asks; the next page says what became of it."""
    posted = request.POST
    try:
        place, at = place_in(posted.get("place", "")), timezone.now()
        wanted: dict[str, Any] = {"caller": caller, "project_id": project_id, "place": place, "at": at}
        name = posted.get("name", "").strip()
        if posted.get("do") == "remove":
            project_variables.change_variables(**wanted, values={}, remove=(name,))
            messages.success(
                request,
                gettext("{name} removed. Running services keep it until the next deployment.").format(name=name),
            )
        elif posted.get("do") == "file":
            project_variables.import_env_file(**wanted, text=file_in(request))
            messages.success(request, gettext("Variables imported. The next deployment will use them."))
        elif posted.get("do") != "set":
            raise unknown_action()
        else:
            project_variables.change_variables(**wanted, values={name: posted.get("value", "")})
            messages.success(request, gettext("{name} set. The next deployment will use it.").format(name=name))
    except DeployError as error:
        show_error(request, error)


def file_in(request: HttpRequest) -> str:
    """Return the uploaded file, or else the pasted text. Raise Invalid for what is no text."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("text", "")
    if not file.size or file.size > env_file.MAX_FILE_BYTES:
        raise Invalid(
            sentence("The file is empty or larger than 1 MiB."), details={"file": sentence("empty or too large")}
        )
    content: bytes = file.read()
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Invalid(sentence("The file is not text in UTF-8."), details={"file": sentence("not UTF-8")}) from None


def written(place: Place) -> str:
    return f"{place.scope}{SEPARATOR}{place.key}"


def place_in(text: str) -> Place:
    """Read a place that `written` wrote. Raise Invalid."""
    scope, _, key = text.partition(SEPARATOR)
    try:
        place = Place(scope=Scope(scope), key=key)
        if place.scope is Scope.TARGET:
            UUID(key)
    except ValueError:
        raise Invalid(sentence("Choose what the variable is for."), details={"place": sentence("choose one")}) from None
    return PROJECT_WIDE if place.scope is Scope.PROJECT else place


def _on(server_id: UUID) -> Place:
    return Place(scope=Scope.TARGET, key=str(server_id))


def _of(node: dict[str, Any]) -> Place:
    return Place(scope=Scope.NODE, key=str(node.get("id")))


def _label(node: dict[str, Any]) -> str:
    data = node.get("data")
    return str((data.get("serviceName") if isinstance(data, dict) else "") or node.get("id"))
