"""How a project's deployments behave, what it is called, and its end. For the owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.list_types import Page, PageRequest
from deployments.errors import Conflict
from deployments.names import usable_name
from deployments.repositories import projects
from deployments.services.audit.record import names_in, record
from deployments.services.permissions import access
from deployments.services.projects import sources
from deployments.types import Caller, GraphRecord, ProjectRecord, Right


def change_project(
    *, caller: Caller, project_id: UUID, name: str | None = None, settings: Mapping[str, Any]
) -> ProjectRecord:
    """Change what is named and return the project. Raises NotFound, Forbidden, Invalid, or Conflict."""
    access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    changes = sources.checked_settings(settings)
    if name is not None:
        changes["name"] = usable_name(name, what="project")
    try:
        with transaction.atomic():
            projects.lock(project_id=project_id)
            before = projects.get(project_id=project_id)
            note_settings(caller=caller, before=before, changes=changes)
            return projects.change(project_id=project_id, changes=changes)
    except IntegrityError as error:
        raise Conflict(
            sentence("You have a project of this name already."), details={"name": sentence("taken")}
        ) from error


def note_settings(*, caller: Caller, before: ProjectRecord, changes: Mapping[str, Any]) -> None:
    """Write down which settings become others, and what. Inside the transaction that stores them."""
    changed = {name: value for name, value in changes.items() if getattr(before, name) != value}
    if changed:
        detail = names_in(f"{name}: {getattr(before, name)} -> {value}" for name, value in changed.items())
        record(by=caller, action=AuditAction.SETTINGS_CHANGED, detail=detail, project_id=before.id)


def delete_project(*, caller: Caller, project_id: UUID) -> None:
    """Remove a project that was never deployed. Raises NotFound, Forbidden, or Conflict: history is never deleted."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.MANAGE)
    with transaction.atomic():
        projects.lock(project_id=project_id)
        if not projects.delete_unused(project_id=project_id):
            raise Conflict(
                sentence("The project has been deployed. Request its deletion instead: its history stays readable.")
            )
        record(by=caller, action=AuditAction.PROJECT_DELETED, detail=project.name, project_id=project_id)


def list_projects(*, caller: Caller, name: str = "", page: int = 1, limit: int = 100) -> Page[ProjectRecord]:
    """Return the caller's projects whose names hold `name`, by name."""
    wanted = PageRequest(page=page, limit=limit)
    return projects.page_visible(caller=caller, name=name, page=wanted.page, limit=wanted.limit)


def list_graphs(*, caller: Caller, project_id: UUID, page: int = 1, limit: int = 20) -> Page[GraphRecord]:
    """Return the graph's versions, newest first. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    wanted = PageRequest(page=page, limit=limit)
    return projects.page_of_graphs(project_id=project_id, page=wanted.page, limit=wanted.limit)


def get_graph(*, caller: Caller, project_id: UUID, version: int) -> GraphRecord:
    """Return a version of the graph. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return projects.get_graph(project_id=project_id, version=version)
