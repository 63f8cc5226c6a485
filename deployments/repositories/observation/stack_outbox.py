"""The stored events of stacks as an outbox: those that are not out to Kafka, in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from deployments.data.outbox_types import Waiting
from deployments.data.stack_event_types import StackEventRecord
from deployments.models import StackEvent
from deployments.repositories.observation.stack_states import event_record


class StackEventQueue:
    """Positions are given before the commit, so each row has its own mark. Order per stack is that of sequences."""

    def unpublished(self, *, but_not: Collection[int] = (), limit: int) -> Waiting[StackEventRecord]:
        """Return the oldest unmarked events with their positions, but not those that are left for later."""
        rows = _unmarked().exclude(position__in=list(but_not)) if but_not else _unmarked()
        batch = tuple((row.position, event_record(row)) for row in rows[:limit])
        return Waiting(batch=batch, is_all=len(batch) < limit)

    def mark_published(self, *, positions: Sequence[int], at: datetime) -> None:
        """Mark events that are out. Call it afterwards: a crash in between publishes them again."""
        StackEvent.objects.filter(position__in=positions).update(streamed_at=at)

    def oldest_unpublished(self) -> datetime | None:
        return _unmarked().values_list("created_at", flat=True).first()

    def count_unpublished(self, *, at_most: int) -> int:
        return _unmarked()[:at_most].count()


def settle(*, limit: int, lock: int) -> int:
    """Mark the oldest events as out where nothing is streamed; return how many. Inside a transaction.

    Whoever streams holds `lock`: then this does nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        row = cursor.fetchone()
    if not (row and row[0]):
        return 0
    positions = list(_unmarked().values_list("position", flat=True)[:limit])
    return StackEvent.objects.filter(position__in=positions).update(streamed_at=Now())


def drop_before(*, before: datetime, limit: int) -> int:
    """Delete old events that are out; return how many."""
    old = StackEvent.objects.filter(created_at__lt=before, streamed_at__isnull=False)
    positions = list(old.order_by("created_at").values_list("position", flat=True)[:limit])
    return StackEvent.objects.filter(position__in=positions).delete()[0]


def _unmarked() -> QuerySet[StackEvent]:
    return StackEvent.objects.filter(streamed_at__isnull=True).order_by("position")
