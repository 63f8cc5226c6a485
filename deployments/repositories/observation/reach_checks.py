"""Checks of what lies elsewhere: the only code that changes their state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models.functions import Now

from deployments.data.reach_types import ReachLine, ReachRecord, ReachState
from deployments.models import ReachCheck
from deployments.repositories import clock
from deployments.types import Caller

# Of a project; what is older goes when another one is asked for.
MAX_KEPT = 20


def add(
    *,
    check_id: UUID,
    project_id: UUID,
    server_id: UUID,
    server_name: str,
    lines: Sequence[ReachLine],
    caller: Caller,
    wait: timedelta,
) -> ReachRecord:
    """Store a wish, and forget the oldest. Raises IntegrityError while one of this project and server is pending."""
    now = clock.now()
    row = ReachCheck.objects.create(
        id=check_id,
        project_id=project_id,
        server_id=server_id,
        server_name=server_name[:100],
        lines=[asdict(line) for line in lines],
        requested_by_id=caller.user_id,
        requested_by_name=caller.name[:150],
        requested_at=now,
        deadline_at=now + wait,
    )
    ended = ReachCheck.objects.filter(project_id=project_id).exclude(state=ReachState.PENDING)
    ReachCheck.objects.filter(pk__in=list(ended.values_list("pk", flat=True)[MAX_KEPT:])).delete()
    return _record(row)


def get_locked(*, check_id: UUID) -> ReachRecord | None:
    """Return the wish and lock its row until the caller's transaction ends; None for an unknown one."""
    row = ReachCheck.objects.select_for_update(no_key=True).filter(pk=check_id).first()
    return _record(row) if row else None


def find(*, project_id: UUID, check_id: UUID) -> ReachRecord | None:
    """Return the project's wish; None for an unknown one."""
    row = ReachCheck.objects.filter(pk=check_id, project_id=project_id).first()
    return _record(row) if row else None


def exists(*, check_id: UUID) -> bool:
    return ReachCheck.objects.filter(pk=check_id).exists()


def end(
    *, check_id: UUID, state: ReachState, message: str, at: datetime, lines: Collection[ReachLine] | None = None
) -> bool:
    """Store the end of what is pending or unknown; False when it had ended otherwise."""
    open_rows = ReachCheck.objects.filter(pk=check_id, state__in=[ReachState.PENDING, ReachState.UNKNOWN])
    told = {} if lines is None else {"lines": [asdict(line) for line in lines]}
    return open_rows.update(state=state, message=message, ended_at=at, **told) == 1


def overdue(*, limit: int) -> tuple[UUID, ...]:
    """Return the pending wishes whose deadline is over, by the database's clock, the oldest first."""
    rows = ReachCheck.objects.filter(state=ReachState.PENDING, deadline_at__lte=Now())
    return tuple(rows.order_by("deadline_at").values_list("pk", flat=True)[:limit])


def newest(*, project_id: UUID) -> tuple[ReachRecord, ...]:
    """Return the newest wishes of a project."""
    return tuple(_record(row) for row in ReachCheck.objects.filter(project_id=project_id)[:MAX_KEPT])


def _record(row: ReachCheck) -> ReachRecord:
    return ReachRecord(
        id=row.id,
        project_id=row.project_id,
        server_id=row.server_id,
        server_name=row.server_name,
        lines=tuple(ReachLine(**line) for line in row.lines),
        state=ReachState(row.state),
        message=row.message,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
    )
