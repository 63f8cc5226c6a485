"""Pages of deployments."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from deployments.repositories import projects
from deployments.repositories.deployments import joined
from deployments.repositories.records import deployment_record
from deployments.states import UNFINISHED, Status
from deployments.types import Caller, DeploymentRecord, Page

# More than these wait in a lane only when something is wrong; lists stay bounded.
MOST_WAITING = 50


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


def current_of_project(*, project_id: UUID, recent: int) -> tuple[DeploymentRecord, ...]:
    """Unfinished ones (the oldest MOST_WAITING), the last success per target, and the newest `recent`; newest first."""
    rows = joined().filter(project_id=project_id)
    unfinished = rows.filter(status__in=sorted(UNFINISHED)).order_by("created_at", "id")[:MOST_WAITING]
    running = rows.filter(status=Status.SUCCESS).order_by("target_id", "-created_at", "-id").distinct("target_id")
    newest = rows.order_by("-created_at", "-id")[:recent]
    found = {row.pk: row for part in (newest, running, unfinished) for row in part}
    return tuple(
        deployment_record(row) for row in sorted(found.values(), key=lambda row: (row.created_at, row.pk), reverse=True)
    )


def newest(*, caller: Caller, statuses: Collection[Status] | None, limit: int) -> tuple[DeploymentRecord, ...]:
    """The newest deployments of the caller's projects, of these statuses when given. Counts nothing."""
    rows = joined().order_by("-created_at", "-id")
    if not caller.sees_everything:
        rows = rows.filter(project_id__in=projects.visible(caller=caller).values("pk"))
    if statuses is not None:
        rows = rows.filter(status__in=sorted(statuses))
    return tuple(deployment_record(row) for row in rows[:limit])
