"""Pages of deployments."""

from __future__ import annotations

from uuid import UUID

from deployments.repositories import projects
from deployments.repositories.deployments import joined
from deployments.repositories.records import deployment_record
from deployments.states import Status
from deployments.types import Caller, DeploymentRecord, Page


def page_of(
    *, caller: Caller, project_id: UUID | None, status: Status | None, page: int, limit: int
) -> Page[DeploymentRecord]:
    """Newest first, only of projects that the caller may see."""
    rows = joined().order_by("-created_at", "-id")
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    elif not caller.sees_everything:
        rows = rows.filter(project_id__in=projects.visible(caller=caller).values("pk"))
    if status is not None:
        rows = rows.filter(status=status)
    start = (page - 1) * limit
    items = tuple(deployment_record(row) for row in rows[start : start + limit])
    return Page(items=items, page=page, limit=limit, total=rows.count())
