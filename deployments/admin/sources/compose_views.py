"""Compose files into a project: upload or paste, look at what becomes of each line, then store."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import error_lines, render_page
from deployments.errors import DeployError, Invalid
from deployments.models import Project
from deployments.services.permissions import access
from deployments.services.projects import compose_files
from deployments.services.projects.compose_files import ComposeResult
from deployments.types import Caller, Right
from stackgen.compose_import.notation.opened import UploadedFiles
from stackgen.compose_import.notation.zipped import CannotUnzip, unzipped
from stackgen.compose_import.report import Line, Outcome

PAGE = "admin/deployments/project/compose.html"
PASTED, PASTED_VARIABLES = "compose.yml", ".env"
# What needs a person comes first.
ORDER = (Outcome.NEEDED, Outcome.NOT_KEPT, Outcome.BETTER, Outcome.BECAME)
TITLES = {
    Outcome.NEEDED: lazy("Needed from you"),
    Outcome.NOT_KEPT: lazy("Not kept"),
    Outcome.BETTER: lazy("Better than before"),
    Outcome.BECAME: lazy("What became what"),
}


def compose_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the form; by POST what became of the files, stored or only looked at."""
    caller = require_project_viewer(request, object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    result: ComposeResult | None = None
    complaints: list[str] = []
    if request.method == "POST":
        try:
            result = _bring(request, caller, object_id)
        except DeployError as error:
            complaints = error_lines(error)
    if result is not None and result.graph is not None:
        messages.success(
            request, gettext("Stored as version {version} of the graph.").format(version=result.graph.version)
        )
    return render_page(
        request,
        PAGE,
        title=gettext("Compose files of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        project=project,
        may_change=access.may(caller=caller, project_id=object_id, right=Right.CHANGE),
        result=result,
        complaints=complaints,
        groups=grouped_lines(result.lines) if result else [],
        text=request.POST.get("text", ""),
        variables=request.POST.get("variables", ""),
        profiles=request.POST.get("profiles", ""),
    )


def grouped_lines(said: Sequence[Line]) -> list[dict[str, object]]:
    """Return lines by what became of things, those first that need a person."""
    return [
        {"outcome": outcome.value, "title": TITLES[outcome], "lines": lines, "open": outcome in ORDER[:2]}
        for outcome in ORDER
        if (lines := [line for line in said if line.outcome is outcome])
    ]


def _bring(request: HttpRequest, caller: Caller, project_id: UUID) -> ComposeResult:
    access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    files = compose_files.checked_uploads(_files(request))
    return compose_files.bring_compose(
        caller=caller,
        project_id=project_id,
        files=UploadedFiles(files),
        paths=compose_files.compose_paths(list(files)),
        profiles=request.POST.get("profiles", "").replace(",", " ").split()[: compose_files.MAX_PROFILES],
        store=request.POST.get("do") == "store",
    )


def _files(request: HttpRequest) -> dict[str, bytes]:
    """Return what was uploaded, zips unpacked, and what was pasted. Raises Invalid."""
    files: dict[str, bytes] = {}
    for file in request.FILES.getlist("files"):
        content = file.read(compose_files.MAX_UPLOADED_BYTES + 1)
        name = str(file.name or PASTED)
        if not name.lower().endswith(".zip"):
            files[name] = content
            continue
        try:
            files.update(unzipped(content))
        except CannotUnzip as error:
            raise Invalid(f"{name} {error}.", details={"files": name}) from None
    for field, name in (("text", PASTED), ("variables", PASTED_VARIABLES)):
        if text := request.POST.get(field, "").strip():
            files[name] = f"{text}\n".encode()
    if not files:
        raise Invalid(sentence("Choose a file, or paste its text."), details={"files": sentence("none")})
    return files
