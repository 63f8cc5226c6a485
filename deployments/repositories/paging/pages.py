"""Which deployments stand on a page. Only ids are walked over, in an index and from its nearer end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from deployments.models import Deployment
from deployments.repositories.paging import counts
from deployments.states import Status

NEWEST_FIRST = ("-created_at", "-id")
OLDEST_FIRST = ("created_at", "id")
# With more candidates than this, one walk over all rows is cheaper than one into each project.
MOST_CANDIDATES = 100_000

# PostgreSQL does not merge the ordered rows of several projects by itself: take the top of each, then of these.
OF_PROJECTS = """
SELECT found.id FROM unnest(%s::uuid[]) AS wanted(project_id) CROSS JOIN LATERAL (
    SELECT id, created_at FROM deployments
    WHERE project_id = wanted.project_id {narrowed} ORDER BY created_at {way}, id {way} LIMIT %s
) AS found ORDER BY found.created_at {way}, found.id {way} LIMIT %s OFFSET %s
"""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Deployments of these projects (None: of all) in this status (None: in any)."""

    project_ids: tuple[UUID, ...] | None
    status: Status | None = None

    def rows(self) -> QuerySet[Deployment]:
        found = Deployment.objects.all()
        if self.project_ids is not None:
            one = self.project_ids[0] if len(self.project_ids) == 1 else None
            found = found.filter(project_id=one) if one else found.filter(project_id__in=self.project_ids)
        return found if self.status is None else found.filter(status=self.status)

    def total(self) -> int:
        """Exact, and as cheap for many rows as for few."""
        return counts.total(project_ids=self.project_ids, status=self.status)


def ids_at(selection: Selection, *, start: int, limit: int, total: int, oldest_first: bool = False) -> list[UUID]:
    """The ids from position `start` on; `total` is the selection's. Beyond the middle the walk begins at the end."""
    wanted = min(limit, total - start)
    if wanted <= 0:
        return []
    from_end = total - start - wanted
    if from_end < start:
        return _walk(selection, start=from_end, limit=wanted, oldest_first=not oldest_first)[::-1]
    return _walk(selection, start=start, limit=wanted, oldest_first=oldest_first)


def top(selection: Selection, *, limit: int) -> list[UUID]:
    """The ids of the newest."""
    return _walk(selection, start=0, limit=limit, oldest_first=False)


def _walk(selection: Selection, *, start: int, limit: int, oldest_first: bool) -> list[UUID]:
    several = selection.project_ids is not None and len(selection.project_ids) > 1
    if several and len(selection.project_ids or ()) * (start + limit) <= MOST_CANDIDATES:
        return _walk_each(selection, start=start, limit=limit, oldest_first=oldest_first)
    ordered = selection.rows().order_by(*(OLDEST_FIRST if oldest_first else NEWEST_FIRST))
    return list(ordered.values_list("pk", flat=True)[start : start + limit])


def _walk_each(selection: Selection, *, start: int, limit: int, oldest_first: bool) -> list[UUID]:
    narrowed = "" if selection.status is None else "AND status = %s"
    sql = OF_PROJECTS.format(narrowed=narrowed, way="ASC" if oldest_first else "DESC")
    status: list[Any] = [] if selection.status is None else [str(selection.status)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(selection.project_ids or ()), *status, start + limit, limit, start])
        return [row[0] for row in cursor.fetchall()]


def ids_after(
    selection: Selection, *, created_at: datetime, deployment_id: UUID, limit: int, oldest_first: bool = False
) -> list[UUID]:
    """The ids that follow this deployment, however deep in the list it stands."""
    side = "gt" if oldest_first else "lt"
    # The first condition bounds the index; the second says what follows among equal times.
    bound = {f"created_at__{side}e": created_at}
    beyond = Q(**{f"created_at__{side}": created_at}) | Q(created_at=created_at, **{f"id__{side}": deployment_id})
    ordered = selection.rows().filter(beyond, **bound).order_by(*(OLDEST_FIRST if oldest_first else NEWEST_FIRST))
    return list(ordered.values_list("pk", flat=True)[:limit])
