"""Which deployments stand on a page. Only ids are walked over, in an index and from its nearer end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from deployments.data.list_types import DeploymentFilter
from deployments.models import Deployment
from deployments.repositories.paging import counts
from deployments.states import Reason, Result, Status

NEWEST_FIRST = ("-created_at", "-id")
OLDEST_FIRST = ("created_at", "id")
# By what the counters are kept, beside the project.
COUNTED_FIELDS = frozenset({"status"})
# What a row must have, by the word that people read.
ROWS_WITH: Mapping[Result, tuple[Status, dict[str, Any]]] = {
    Result.WAITING: (Status.PENDING, {}),
    Result.DEPLOYING: (Status.IN_PROGRESS, {"cancel_requested_at__isnull": True}),
    Result.CANCELLING: (Status.IN_PROGRESS, {"cancel_requested_at__isnull": False}),
    Result.SUCCEEDED: (Status.SUCCESS, {}),
    Result.CANCELLED: (Status.FAILED, {"reason": Reason.CANCELLED}),
    Result.SUPERSEDED: (Status.FAILED, {"reason": Reason.SUPERSEDED}),
    Result.RESTORING: (Status.ROLLING_BACK, {"rolled_back_by__isnull": True}),
    Result.RESTORED: (Status.ROLLED_BACK, {"rolled_back_by__isnull": True}),
    Result.ROLLING_BACK: (Status.ROLLING_BACK, {"rolled_back_by__isnull": False}),
    Result.ROLLED_BACK: (Status.ROLLED_BACK, {"rolled_back_by__isnull": False}),
}
# Fields of a filter that bound a column; all others but `result` are equal to the column of their name.
BOUNDS: Mapping[str, str] = {"created_from": "created_at__gte", "created_until": "created_at__lt"}
OPERATORS: Mapping[str, str] = {"": "=", "gte": ">=", "lt": "<"}
NO_FAILURES = (Reason.CANCELLED, Reason.SUPERSEDED)
# With more candidates than this, one walk over all rows is cheaper than one into each project.
MAX_CANDIDATES = 100_000

ANYTHING = DeploymentFilter()

# PostgreSQL does not merge the ordered rows of several projects by itself: take the top of each, then of these.
OF_PROJECTS = """
SELECT found.id FROM unnest(%s::uuid[]) AS wanted(project_id) CROSS JOIN LATERAL (
    SELECT id, created_at FROM deployments
    WHERE project_id = wanted.project_id {conditions} ORDER BY created_at {way}, id {way} LIMIT %s
) AS found ORDER BY found.created_at {way}, found.id {way} LIMIT %s OFFSET %s
"""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The deployments of these projects (None: of all) that match the filter.

    A new field of DeploymentFilter needs nothing here. What the counters do not know is counted row by row: such a list
    is slower, its total never wrong.
    """

    project_ids: tuple[UUID, ...] | None
    matching: DeploymentFilter = ANYTHING

    def conditions(self) -> dict[str, Any]:
        """Return what the filter asks of a row, by column; a bound has its lookup behind the column, as in Django."""
        chosen = {field.name: getattr(self.matching, field.name) for field in fields(self.matching)}
        return {
            BOUNDS.get(name, name): value for name, value in chosen.items() if value is not None and name != "result"
        }

    def rows(self) -> QuerySet[Deployment]:
        rows = Deployment.objects.filter(**self.conditions())
        if self.matching.result is not None:
            rows = rows.filter(rows_with(self.matching.result))
        if self.project_ids is None:
            return rows
        # With one project, equality lets an index give the order too.
        one = self.project_ids[0] if len(self.project_ids) == 1 else None
        return rows.filter(project_id=one) if one else rows.filter(project_id__in=self.project_ids)

    @property
    def is_counted(self) -> bool:
        """Whether the counters know the total."""
        return self.matching.result is None and self.conditions().keys() <= COUNTED_FIELDS

    def total(self) -> int:
        """Return the exact number of rows; without the counters this reads each of them."""
        if self.is_counted:
            return counts.total(project_ids=self.project_ids, status=self.matching.status)
        return self.rows().count()

    def total_or_estimate(self, *, exact_up_to: int) -> int:
        """Return the number of rows: exact where the counters know it or up to `exact_up_to`, else the planner's guess.

        As cheap for many rows as for few.
        """
        if self.is_counted:
            return self.total()
        counted = self.rows()[: exact_up_to + 1].count()
        return counted if counted <= exact_up_to else max(counted, counts.estimate(self.rows()))


def rows_with(result: Result, *, prefix: str = "") -> Q:
    """Return what a row must have to be shown as this; "failed" takes in what was put back. Agrees with `result_of`.

    `prefix` comes before each name: of columns, or of annotations that hold them.
    """
    if result is Result.FAILED:
        failed = Q(**{f"{prefix}status": Status.FAILED}) & ~Q(**{f"{prefix}reason__in": NO_FAILURES})
        return failed | rows_with(Result.RESTORED, prefix=prefix) | rows_with(Result.RESTORING, prefix=prefix)
    status, more = ROWS_WITH[result]
    return Q(**{f"{prefix}{name}": value for name, value in {"status": status, **more}.items()})


def ids_at(
    selection: Selection, *, start: int, limit: int, total: int | None, oldest_first: bool = False
) -> list[UUID]:
    """Return the ids from position `start` on. `total` is the selection's exact one, or None where nobody knows it.

    With a total, a walk to beyond the middle begins at the end.
    """
    if total is None:
        return _walk(selection, start=start, limit=limit, oldest_first=oldest_first)
    wanted = min(limit, total - start)
    if wanted <= 0:
        return []
    from_end = total - start - wanted
    if from_end < start:
        return _walk(selection, start=from_end, limit=wanted, oldest_first=not oldest_first)[::-1]
    return _walk(selection, start=start, limit=wanted, oldest_first=oldest_first)


def top(selection: Selection, *, limit: int) -> list[UUID]:
    """Return the ids of the newest."""
    return _walk(selection, start=0, limit=limit, oldest_first=False)


def _walk(selection: Selection, *, start: int, limit: int, oldest_first: bool) -> list[UUID]:
    by_columns = selection.matching.result is None
    several = by_columns and selection.project_ids is not None and len(selection.project_ids) > 1
    if several and len(selection.project_ids or ()) * (start + limit) <= MAX_CANDIDATES:
        return _walk_each(selection, start=start, limit=limit, oldest_first=oldest_first)
    ordered = selection.rows().order_by(*(OLDEST_FIRST if oldest_first else NEWEST_FIRST))
    return list(ordered.values_list("pk", flat=True)[start : start + limit])


def _walk_each(selection: Selection, *, start: int, limit: int, oldest_first: bool) -> list[UUID]:
    asked = selection.conditions()
    conditions = " ".join(_in_sql(lookup) for lookup in asked)
    sql = OF_PROJECTS.format(conditions=conditions, way="ASC" if oldest_first else "DESC")
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(selection.project_ids or ()), *asked.values(), start + limit, limit, start])
        return [row[0] for row in cursor.fetchall()]


def _in_sql(lookup: str) -> str:
    column, _, bound = lookup.partition("__")
    return f"AND {column} {OPERATORS[bound]} %s"


def ids_after(
    selection: Selection, *, created_at: datetime, deployment_id: UUID, limit: int, oldest_first: bool = False
) -> list[UUID]:
    """Return the ids that follow this deployment, however deep in the list it stands."""
    side = "gt" if oldest_first else "lt"
    # The first condition bounds the index; the second says what follows among equal times.
    bound = {f"created_at__{side}e": created_at}
    beyond = Q(**{f"created_at__{side}": created_at}) | Q(created_at=created_at, **{f"id__{side}": deployment_id})
    ordered = selection.rows().filter(beyond, **bound).order_by(*(OLDEST_FIRST if oldest_first else NEWEST_FIRST))
    return list(ordered.values_list("pk", flat=True)[:limit])
