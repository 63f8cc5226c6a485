"""A project to take along: its stack as a zip of Compose files, and itself as one file, out and in."""

from __future__ import annotations

import io
import zipfile
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from agents.wording.sentences import sentence
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import show_error
from deployments.errors import DeployError, Invalid
from deployments.services.projects import project_file, stack_files
from deployments.types import Caller

# Zips say when their files were made; the same stack shall give the same bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def file_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Give the project as project.yaml; by POST, store one."""
    caller = require_project_viewer(request, object_id)
    if request.method == "POST":
        _store(request, caller, object_id)
        return redirect("admin:deployments_project_compose", object_id)
    text = project_file.export_project(caller=caller, project_id=object_id)
    return _attached(text.encode(), name=project_file.FILE_NAME, kind="application/yaml")


def files_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Give the files of the newest graph's stack as a zip."""
    caller = require_project_viewer(request, object_id)
    try:
        files = stack_files.stack_files(caller=caller, project_id=object_id)
    except DeployError as error:
        show_error(request, error)
        return redirect("admin:deployments_project_compose", object_id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, NO_TIME), files[name])
    return _attached(packed.getvalue(), name="compose.zip", kind="application/zip")


def _store(request: HttpRequest, caller: Caller, project_id: UUID) -> None:
    try:
        uploaded = request.FILES.get("file")
        if uploaded is None:
            raise Invalid(sentence("Choose a file."), details={"file": sentence("none")})
        content = uploaded.read(project_file.MAX_FILE_BYTES + 1)
        stored = project_file.import_file(
            caller=caller, project_id=project_id, text=content.decode("utf-8", errors="replace")
        )
    except DeployError as error:
        show_error(request, error)
        return
    messages.success(request, gettext("Stored as version {version} of the graph.").format(version=stored.graph.version))
    for node in stored.missing_code:
        messages.warning(request, gettext("The code of {node} is not in the file: upload it.").format(node=node))
    for label in stored.missing_variables:
        messages.warning(request, gettext("The variable {label} has no value here: set it.").format(label=label))


def _attached(content: bytes, *, name: str, kind: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
