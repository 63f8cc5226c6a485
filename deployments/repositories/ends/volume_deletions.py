"""Wishes that volumes go: the only code that changes their state."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from agents.wording.sentences import sentence
from deployments.data.end_types import HostVolume, VolumeDeletionRecord, VolumeDeletionState
from deployments.errors import NotFound
from deployments.models import VolumeDeletion
from deployments.repositories import clock
from deployments.types import Caller

MAX_LISTED = 50


def add(
    *,
    deletion_id: UUID,
    volume: HostVolume,
    project_id: UUID,
    project_name: str,
    server_id: UUID,
    server_name: str,
    caller: Caller,
    wait: timedelta,
) -> VolumeDeletionRecord:
    """Store a wish. Raises IntegrityError when the same volume is being deleted already."""
    now = clock.now()
    row = VolumeDeletion.objects.create(
        id=deletion_id,
        project_id=project_id,
        project_name=project_name[:100],
        server_id=server_id,
        server_name=server_name[:100],
        volume=volume.name,
        size_bytes=volume.size_bytes,
        requested_by_id=caller.user_id,
        requested_by_name=caller.name[:150],
        requested_at=now,
        deadline_at=now + wait,
    )
    return _record(row)


def get(*, deletion_id: UUID) -> VolumeDeletionRecord:
    """Return the wish. Raises NotFound."""
    row = VolumeDeletion.objects.filter(pk=deletion_id).first()
    if row is None:
        raise NotFound(sentence("No such deletion."))
    return _record(row)


def get_locked(*, deletion_id: UUID) -> VolumeDeletionRecord | None:
    """Return the wish and lock its row until the caller's transaction ends; None for an unknown one."""
    row = VolumeDeletion.objects.select_for_update(no_key=True).filter(pk=deletion_id).first()
    return _record(row) if row else None


def exists(*, deletion_id: UUID) -> bool:
    return VolumeDeletion.objects.filter(pk=deletion_id).exists()


def end(*, deletion_id: UUID, state: VolumeDeletionState, message: str, at: datetime) -> bool:
    """Store the end of what is pending or unknown; False when it had ended otherwise."""
    open_rows = VolumeDeletion.objects.filter(
        pk=deletion_id, state__in=[VolumeDeletionState.PENDING, VolumeDeletionState.UNKNOWN]
    )
    return open_rows.update(state=state, message=message, ended_at=at) == 1


def overdue(*, limit: int) -> tuple[UUID, ...]:
    """Return the pending wishes whose deadline is over, by the database's clock, the oldest first."""
    rows = VolumeDeletion.objects.filter(state=VolumeDeletionState.PENDING, deadline_at__lte=Now())
    return tuple(rows.order_by("deadline_at").values_list("pk", flat=True)[:limit])


def pending_on(*, server_id: UUID) -> frozenset[str]:
    """Return the names of the volumes that are being deleted on a server."""
    rows = VolumeDeletion.objects.filter(server_id=server_id, state=VolumeDeletionState.PENDING)
    return frozenset(rows.values_list("volume", flat=True))


def ordered_since(*, project_id: UUID, moment: datetime) -> bool:
    """Return whether the end of a volume of the project was ordered at this moment or later."""
    return VolumeDeletion.objects.filter(project_id=project_id, requested_at__gte=moment).exists()


def newest(*, project_id: UUID | None = None, server_id: UUID | None = None) -> tuple[VolumeDeletionRecord, ...]:
    """Return the newest wishes of a project or of a server."""
    which = Q(project_id=project_id) if project_id else Q(server_id=server_id)
    return tuple(_record(row) for row in VolumeDeletion.objects.filter(which)[:MAX_LISTED])


def drop_before(*, before: datetime, limit: int) -> int:
    """Forget who deleted which volume before then; return how many."""
    rows = VolumeDeletion.objects.filter(ended_at__lt=before).order_by("ended_at")
    return VolumeDeletion.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:limit])).delete()[0]


def _record(row: VolumeDeletion) -> VolumeDeletionRecord:
    return VolumeDeletionRecord(
        id=row.id,
        project_id=row.project_id,
        project_name=row.project_name,
        server_id=row.server_id,
        server_name=row.server_name,
        volume=row.volume,
        size_bytes=row.size_bytes,
        state=VolumeDeletionState(row.state),
        message=row.message,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
    )
