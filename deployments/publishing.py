"""Stored events go out in order, at least once. Only one publisher works at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection

from deployments.repositories import events
from deployments.types import EventRecord

BATCH = 200
# Never change: two versions side by side must contend for the same lock.
PUBLISHER_LOCK = 7_201_001

Sink = Callable[[Sequence[EventRecord]], None]


def become_publisher() -> bool:
    """Try to be the one publisher for as long as this database connection lives."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [PUBLISHER_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])


def publish_batch(*, sinks: Sequence[Sink], at: datetime) -> int:
    """Hand the oldest unpublished events to every sink, then mark them; returns how many there were.

    A sink that raises leaves them unpublished. A crash before the mark publishes them again: consumers drop repeats.
    """
    batch = events.unpublished(limit=BATCH)
    if not batch:
        return 0
    records = [record for _, record in batch]
    for sink in sinks:
        sink(records)
    events.mark_published(positions=[position for position, _ in batch], at=at)
    return len(batch)
