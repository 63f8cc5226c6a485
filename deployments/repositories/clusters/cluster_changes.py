"""Changes of clusters: the only code that changes their state. The cluster's lock serializes its callers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q
from django.db.models.functions import Now

from agents.models import Server
from deployments.data.cluster_types import OPEN_STATES, ChangeKind, ChangeRecord, ChangeState, NewChange, Step
from deployments.models import ClusterChange
from deployments.repositories import clock
from deployments.types import Caller

MAX_LISTED = 50
# Of one cluster that have ended; older ones go.
MAX_KEPT = 200


def lock(*, cluster_id: UUID) -> None:
    """Serialize all decisions about the cluster until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"cluster:{cluster_id}"])


def add(*, cluster_id: UUID, change: NewChange, caller: Caller, wait: timedelta) -> ChangeRecord:
    """Store a change with the cluster's next number; one that is stored already is returned as it is.

    Inside a transaction that holds the cluster's lock.
    """
    row = ClusterChange.objects.filter(pk=change.id).first()
    if row is not None:
        return _record(row)
    last = ClusterChange.objects.filter(cluster_id=cluster_id).aggregate(last=Max("number"))["last"] or 0
    now = clock.now()
    row = ClusterChange.objects.create(
        id=change.id,
        cluster_id=cluster_id,
        number=last + 1,
        kind=change.kind,
        steps=[str(each) for each in change.steps],
        server_id=change.server_id,
        server_name=change.server_name[:100],
        node_id=change.node_id,
        node_name=change.node_name[:200],
        role=change.role,
        address=change.address[:255],
        requested_by_id=caller.user_id,
        requested_by_name=caller.name[:150],
        requested_at=now,
        deadline_at=now + wait,
    )
    return _record(row)


def ended_beyond(*, cluster_id: UUID) -> tuple[UUID, ...]:
    """Return the ended changes of a cluster that are more than are kept."""
    ended = _rows(cluster_id).exclude(state__in=OPEN_STATES).order_by("-number")
    return tuple(ended.values_list("pk", flat=True)[MAX_KEPT:])


def forget(*, change_ids: Collection[UUID]) -> None:
    ClusterChange.objects.filter(pk__in=change_ids).delete()


def find(*, change_id: UUID) -> ChangeRecord | None:
    row = ClusterChange.objects.filter(pk=change_id).first()
    return _record(row) if row else None


def newest(*, cluster_id: UUID) -> tuple[ChangeRecord, ...]:
    """Return the newest changes of a cluster, the latest first."""
    return tuple(_record(row) for row in _rows(cluster_id).order_by("-number")[:MAX_LISTED])


def open_changes(*, cluster_id: UUID) -> tuple[ChangeRecord, ...]:
    """Return what is at work and what waits, in the order in which it is done."""
    return tuple(_record(row) for row in _rows(cluster_id).filter(state__in=OPEN_STATES).order_by("number"))


def clusters_with_open(*, limit: int) -> tuple[UUID, ...]:
    """Return clusters of which a change is open, the one whose deadline is next first."""
    rows = ClusterChange.objects.filter(state__in=OPEN_STATES).order_by("deadline_at")
    return tuple(dict.fromkeys(rows.values_list("cluster_id", flat=True)[:limit]))


def clusters_waiting_for(*, server_id: UUID) -> tuple[UUID, ...]:
    """Return the clusters with an open change: of the server itself, or of the cluster that it is in."""
    mine = Server.objects.filter(pk=server_id, cluster__isnull=False).values("cluster_id")
    rows = ClusterChange.objects.filter(state__in=OPEN_STATES).filter(Q(server_id=server_id) | Q(cluster_id__in=mine))
    return tuple(rows.order_by().values_list("cluster_id", flat=True).distinct())


def at_work_among(*, change_ids: Collection[UUID], limit: int) -> tuple[UUID, ...]:
    """Return which of these are changes at work, the earliest first."""
    rows = ClusterChange.objects.filter(pk__in=list(change_ids), state=ChangeState.WORKING) if change_ids else None
    return () if rows is None else tuple(rows.order_by("number").values_list("pk", flat=True)[:limit])


def is_overdue(*, change_id: UUID) -> bool:
    """Tell whether its deadline is over, by the database's clock."""
    return ClusterChange.objects.filter(pk=change_id, deadline_at__lte=Now()).exists()


def begin(*, change_id: UUID, step: int, wait: timedelta) -> None:
    """Let the change work on a step, which is not sent yet, and give it its time."""
    now = clock.now()
    ClusterChange.objects.filter(pk=change_id).update(
        state=ChangeState.WORKING, step=step, sent=False, message="", deadline_at=now + wait, ended_at=None
    )


def note(*, change_id: UUID, **facts: Any) -> None:
    """Note `sent`, `message`, `node_id` or `sealed_token` of a change at work."""
    ClusterChange.objects.filter(pk=change_id).update(**facts)


def sealed_token(*, change_id: UUID) -> str:
    """Return the sealed token of a change at work; empty without one."""
    row = ClusterChange.objects.filter(pk=change_id, state=ChangeState.WORKING)
    return row.values_list("sealed_token", flat=True).first() or ""


def end(*, change_id: UUID, state: ChangeState, message: str, at: datetime) -> None:
    """End the change, and wipe what it joined with."""
    ClusterChange.objects.filter(pk=change_id).update(state=state, message=message, ended_at=at, sealed_token="")


def end_adopted(*, change_id: UUID, at: datetime) -> None:
    """Note that the wish to adopt was done where it was stored: nothing is ordered for it."""
    end(change_id=change_id, state=ChangeState.DONE, message="", at=at)


def _rows(cluster_id: UUID) -> Any:
    return ClusterChange.objects.filter(cluster_id=cluster_id)


def _record(row: ClusterChange) -> ChangeRecord:
    return ChangeRecord(
        id=row.id,
        cluster_id=row.cluster_id,
        kind=ChangeKind(row.kind),
        state=ChangeState(row.state),
        steps=tuple(Step(each) for each in row.steps),
        step=row.step,
        sent=row.sent,
        server_id=row.server_id,
        server_name=row.server_name,
        node_id=row.node_id,
        node_name=row.node_name,
        role=row.role,
        address=row.address,
        message=row.message,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
    )
