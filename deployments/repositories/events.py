"""The stored events of deployments: appended with the change they announce, published afterwards."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, RowRange, Sum, TextField, Window
from django.db.models.functions import Cast, Length
from django.db.models.sql import UpdateQuery

from deployments.data.outbox_types import Waiting
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
# Braces of the update are none of ours: it has placeholders for every value.
STORE = """
WITH moved AS ({update} RETURNING id, project_id)
INSERT INTO deployment_events (id, deployment_id, project_id, sequence, type, payload, created_at)
SELECT event.id, moved.id, moved.project_id, event.sequence, event.type, event.payload::jsonb, %s
FROM moved CROSS JOIN unnest(%s::uuid[], %s::int[], %s::text[], %s::text[]) AS event(id, sequence, type, payload)
ORDER BY event.sequence
RETURNING project_id, pg_notify(%s, %s)
"""


class Mark(StrEnum):
    """The columns that say whether an event is out, one for each way it goes."""

    BROWSERS = "published_at"
    KAFKA = "streamed_at"


def append(
    *,
    deployment_id: UUID,
    events: Sequence[NewEvent],
    at: datetime,
    last: int | None = None,
    expecting: Mapping[str, Any] = MappingProxyType({}),
    **columns: Any,
) -> tuple[EventRecord, ...]:
    """Store the events with the deployment's next sequences and wake the publisher when the caller commits.

    `columns` of the deployment change with them, in the same update: a second one of a row in one transaction has the
    database check each of its foreign keys. Nothing is stored, and nothing returned, when the row is not as `expecting`
    says. Who has locked the row and read its last sequence says that one as `last`: then one statement does all.

    Inside a transaction; takes the deployment's row lock, which keeps sequences free of gaps and in commit order.
    Ids derive from deployment and sequence, so a consumer can tell repeats.
    """
    if not events:
        return ()
    columns = {**columns, "last_sequence": F("last_sequence") + len(events), "updated_at": at}
    rows = Deployment.objects.filter(pk=deployment_id, **expecting)
    if last is not None:
        made = _rows_of(deployment_id=deployment_id, after=last, events=events, at=at)
        project_id = _store_with(rows.filter(last_sequence=last), columns, made)
        return () if project_id is None else tuple(event_record(_of_project(row, project_id)) for row in made)
    moved = _update(rows, columns)
    if moved is None:
        return ()
    highest, project_id = moved
    made = _rows_of(deployment_id=deployment_id, after=highest - len(events), events=events, at=at)
    DeploymentEvent.objects.bulk_create(_of_project(row, project_id) for row in made)
    return tuple(event_record(row) for row in made)


def begin(*, deployment_id: UUID, project_id: UUID, event: NewEvent, at: datetime) -> None:
    """Store the first event of a deployment that the caller has just stored with 1 as its last sequence."""
    (made,) = _rows_of(deployment_id=deployment_id, after=0, events=[event], at=at)
    DeploymentEvent.objects.bulk_create([_of_project(made, project_id)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, OF_DEPLOYMENTS])


def _rows_of(*, deployment_id: UUID, after: int, events: Sequence[NewEvent], at: datetime) -> list[DeploymentEvent]:
    return [
        DeploymentEvent(
            id=uuid5(deployment_id, str(sequence)),
            deployment_id=deployment_id,
            sequence=sequence,
            type=event.type,
            payload=event.payload,
            created_at=at,
        )
        for sequence, event in enumerate(events, start=after + 1)
    ]


def _of_project(row: DeploymentEvent, project_id: UUID) -> DeploymentEvent:
    row.project_id = project_id
    return row


def _store_with(rows: QuerySet[Deployment], columns: Mapping[str, Any], made: Sequence[DeploymentEvent]) -> UUID | None:
    """Update the one row, store these events of it and wake the publisher on commit; return the row's project.

    None, and nothing is stored, where there is no such row.
    """
    sql, parameters = _update_sql(rows, columns)
    values: list[list[Any]] = [
        [row.id for row in made],
        [row.sequence for row in made],
        [str(row.type) for row in made],
        [json.dumps(row.payload) for row in made],
    ]
    with connection.cursor() as cursor:
        cursor.execute(STORE.format(update=sql), [*parameters, made[0].created_at, *values, CHANNEL, OF_DEPLOYMENTS])
        row: tuple[UUID, str] | None = cursor.fetchone()
        return None if row is None else row[0]


def _update(rows: QuerySet[Deployment], columns: Mapping[str, Any]) -> tuple[int, UUID] | None:
    """Update the one row and wake the publisher on commit; return its last sequence and project as they are then.

    None, and nobody is woken, where there is no such row.
    """
    sql, parameters = _update_sql(rows, columns)
    # Django updates or reads; the database does both at once.
    with connection.cursor() as cursor:
        returning = "RETURNING last_sequence, project_id, pg_notify(%s, %s)"
        cursor.execute(f"{sql} {returning}", [*parameters, CHANNEL, OF_DEPLOYMENTS])
        row: tuple[int, UUID, str] | None = cursor.fetchone()
        return None if row is None else row[:2]


def _update_sql(rows: QuerySet[Deployment], columns: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    query: UpdateQuery = rows.query.chain(UpdateQuery)  # type: ignore[assignment]  # as its class says
    query.add_update_values(dict(columns))
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    return sql, tuple(parameters)


def after(*, deployment_id: UUID, sequence: int, limit: int) -> tuple[EventRecord, ...]:
    """Return the deployment's events above `sequence`, in order: at most `limit` and MAX_READ_BYTES, but always one."""
    rows = DeploymentEvent.objects.filter(deployment_id=deployment_id, sequence__gt=sequence).order_by("sequence")
    return tuple(event_record(row) for row in _within_bytes(rows[:limit], order="sequence"))


def count_between(*, deployment_id: UUID, after: int, last: int) -> int:
    """Return how many of the deployment's events above `after` and up to `last` are there."""
    rows = DeploymentEvent.objects.filter(deployment_id=deployment_id, sequence__gt=after, sequence__lte=last)
    return rows.count()


def unpublished(*, mark: Mark, but_not: Collection[int] = (), limit: int) -> Waiting[EventRecord]:
    """Return the oldest unmarked events with their positions, but not those that are left for later.

    At most `limit` and MAX_READ_BYTES. Order per deployment is the order of sequences.
    """
    rows = _unmarked(mark)
    if but_not:
        rows = rows.exclude(position__in=list(but_not))
    # Counted before those beyond the bytes are left out.
    found = list(_within_bytes(rows[:limit], order="position").annotate(counted=Window(Count("*"))))
    counted = found[0].counted if found else 0
    batch = tuple((row.position, event_record(row)) for row in found)
    return Waiting(batch=batch, is_all=len(batch) == counted < limit)


def mark_published(*, mark: Mark, positions: Sequence[int], at: datetime) -> None:
    """Mark events that are out. Call it afterwards: a crash in between publishes them again, never not at all."""
    DeploymentEvent.objects.filter(position__in=positions).update(**{mark.value: at})


@dataclass(frozen=True)
class EventQueue:
    """The events of deployments as one of their outboxes."""

    mark: Mark

    def unpublished(self, *, but_not: Collection[int] = (), limit: int) -> Waiting[EventRecord]:
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
