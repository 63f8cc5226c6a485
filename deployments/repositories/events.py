"""The stored events of deployments: appended with the change they announce, published afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import F, Q, QuerySet, RowRange, Sum, TextField, Window
from django.db.models.functions import Cast, Length
from django.db.models.sql import UpdateQuery

from deployments.event_types import NewEvent
from deployments.models import Deployment, DeploymentEvent
from deployments.repositories.records import event_record
from deployments.types import EventRecord

CHANNEL = "deployment_events"
# What notifications are about; whoever says nothing, as older versions do, wakes every publisher.
OF_DEPLOYMENTS = "deployments"
OF_STACKS = "stacks"
# Of payloads read at once: a page of REST, what a socket is behind, a batch of the publisher.
MAX_READ_BYTES = 1024 * 1024


class Mark(StrEnum):
    """The columns that say whether an event is out, one for each way it goes."""

    BROWSERS = "published_at"
    KAFKA = "streamed_at"


def append(
    *,
    deployment_id: UUID,
    events: Sequence[NewEvent],
    at: datetime,
    expecting: Mapping[str, Any] = MappingProxyType({}),
    **columns: Any,
) -> tuple[EventRecord, ...]:
    """Store the events with the deployment's next sequences and wake the publisher when the caller commits.

    `columns` of the deployment change with them, in the same update: a second one of a row in one transaction has the
    database check each of its foreign keys. Nothing is stored, and nothing returned, when the row is not as `expecting`
    says.

    Inside a transaction; takes the deployment's row lock, which keeps sequences free of gaps and in commit order.
    Ids derive from deployment and sequence, so a consumer can tell repeats.
    """
    if not events:
        return ()
    columns = {**columns, "last_sequence": F("last_sequence") + len(events), "updated_at": at}
    moved = _update(Deployment.objects.filter(pk=deployment_id, **expecting), columns)
    if moved is None:
        return ()
    last, project_id = moved
    rows = [
        DeploymentEvent(
            id=uuid5(deployment_id, str(sequence)),
            deployment_id=deployment_id,
            project_id=project_id,
            sequence=sequence,
            type=event.type,
            payload=event.payload,
            created_at=at,
        )
        for sequence, event in enumerate(events, start=last - len(events) + 1)
    ]
    DeploymentEvent.objects.bulk_create(rows)
    return tuple(event_record(row) for row in rows)


def _update(rows: QuerySet[Deployment], columns: Mapping[str, Any]) -> tuple[int, UUID] | None:
    """Update the one row and wake the publisher on commit; return its last sequence and project as they are then.

    None, and nobody is woken, where there is no such row.
    """
    query: UpdateQuery = rows.query.chain(UpdateQuery)  # type: ignore[assignment]  # as its class says
    query.add_update_values(dict(columns))
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    # Django updates or reads; the database does both at once.
    with connection.cursor() as cursor:
        returning = "RETURNING last_sequence, project_id, pg_notify(%s, %s)"
        cursor.execute(f"{sql} {returning}", [*parameters, CHANNEL, OF_DEPLOYMENTS])
        row: tuple[int, UUID, str] | None = cursor.fetchone()
        return None if row is None else row[:2]


def after(*, deployment_id: UUID, sequence: int, limit: int) -> tuple[EventRecord, ...]:
    """Return the deployment's events above `sequence`, in order: at most `limit` and MAX_READ_BYTES, but always one."""
    rows = DeploymentEvent.objects.filter(deployment_id=deployment_id, sequence__gt=sequence).order_by("sequence")
    return tuple(event_record(row) for row in _within_bytes(rows[:limit], order="sequence"))


def count_between(*, deployment_id: UUID, after: int, last: int) -> int:
    """Return how many of the deployment's events above `after` and up to `last` are there."""
    rows = DeploymentEvent.objects.filter(deployment_id=deployment_id, sequence__gt=after, sequence__lte=last)
    return rows.count()


def unpublished(*, mark: Mark, but_not: Collection[int] = (), limit: int) -> tuple[tuple[int, EventRecord], ...]:
    """Return the oldest unmarked events with their positions, but not those that are left for later.

    At most `limit` and MAX_READ_BYTES. Order per deployment is the order of sequences.
    """
    rows = _unmarked(mark)
    if but_not:
        rows = rows.exclude(position__in=list(but_not))
    return tuple((row.position, event_record(row)) for row in _within_bytes(rows[:limit], order="position"))


def mark_published(*, mark: Mark, positions: Sequence[int], at: datetime) -> None:
    """Mark events that are out. Call it afterwards: a crash in between publishes them again, never not at all."""
    DeploymentEvent.objects.filter(position__in=positions).update(**{mark.value: at})


@dataclass(frozen=True)
class EventQueue:
    """The events of deployments as one of their outboxes."""

    mark: Mark

    def unpublished(self, *, but_not: Collection[int] = (), limit: int) -> tuple[tuple[int, EventRecord], ...]:
        return unpublished(mark=self.mark, but_not=but_not, limit=limit)

    def mark_published(self, *, positions: Sequence[int], at: datetime) -> None:
        mark_published(mark=self.mark, positions=positions, at=at)

    def oldest_unpublished(self) -> datetime | None:
        return oldest_unpublished(mark=self.mark)

    def count_unpublished(self, *, at_most: int) -> int:
        return count_unpublished(mark=self.mark, at_most=at_most)


def oldest_unpublished(*, mark: Mark) -> datetime | None:
    """Return when the oldest unmarked event was stored; None when all are out."""
    return _unmarked(mark).values_list("created_at", flat=True).first()


def count_unpublished(*, mark: Mark, at_most: int) -> int:
    """Return how many are unmarked; counting ends at `at_most`."""
    return _unmarked(mark)[:at_most].count()


def _unmarked(mark: Mark) -> QuerySet[DeploymentEvent]:
    return DeploymentEvent.objects.filter(**{f"{mark}__isnull": True}).order_by("position")


def _within_bytes(rows: QuerySet[DeploymentEvent], *, order: str) -> QuerySet[DeploymentEvent]:
    """Return the first of these rows, as long as those before them are less than MAX_READ_BYTES of payload."""
    bytes_before = Window(Sum(Length(Cast("payload", TextField()))), order_by=order, frame=RowRange(start=None, end=-1))
    chosen = DeploymentEvent.objects.filter(pk__in=rows.values("pk")).annotate(bytes_before=bytes_before)
    return chosen.filter(Q(bytes_before__isnull=True) | Q(bytes_before__lt=MAX_READ_BYTES)).order_by(order)
