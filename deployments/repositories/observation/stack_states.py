"""How stacks were when they were judged last, and the events of that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import Exists, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Now

from deployments.data.stack_event_types import NewStackEvent, StackEventRecord
from deployments.models import DeploymentHistory, ObservedStack, StackEvent, StackState
from deployments.repositories.events import CHANNEL, OF_STACKS

StackKey = tuple[UUID, UUID]
NUMBER = """
UPDATE stack_states SET last_sequence = last_sequence + %s WHERE project_id = %s AND server_id = %s
RETURNING last_sequence, pg_notify(%s, %s)
"""


@dataclass(frozen=True, kw_only=True)
class JudgedState:
    """A stack as it was judged last; `services` as events tell them; `number` of the observation."""

    condition: str
    since_ms: int
    message: str
    services: tuple[Mapping[str, Any], ...]
    number: int


def of_projects(*, project_ids: Collection[UUID]) -> dict[StackKey, JudgedState]:
    """Return how the stacks of these projects were judged last, by project and server."""
    rows = StackState.objects.filter(project_id__in=project_ids)
    return {(row.project_id, row.server_id): _state(row) for row in rows}


def locked(*, project_id: UUID, server_id: UUID) -> JudgedState | None:
    """Return how the stack was judged last, its row locked until the caller's transaction ends; None for never.

    Without a row a lock of the database's own stands for it, so that two never judge a stack at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"stack:{project_id}@{server_id}"])
    row = StackState.objects.filter(project_id=project_id, server_id=server_id).first()
    return None if row is None else _state(row)


def store(*, project_id: UUID, server_id: UUID, state: JudgedState) -> None:
    """Replace what was judged of the stack. Inside a transaction that holds its lock."""
    facts: dict[str, Any] = {
        "condition": state.condition,
        "since_ms": state.since_ms,
        "message": state.message,
        "services": [dict(service) for service in state.services],
        "judged_number": state.number,
        "judged_at": Now(),
    }
    if not StackState.objects.filter(project_id=project_id, server_id=server_id).update(**facts):
        # A server that was removed and came back goes on where it was.
        events = StackEvent.objects.filter(project_id=project_id, server_id=server_id)
        last = events.aggregate(highest=Max("sequence"))["highest"] or 0
        StackState.objects.create(project_id=project_id, server_id=server_id, last_sequence=last, **facts)


def append(*, project_id: UUID, server_id: UUID, events: Sequence[NewStackEvent], at: datetime) -> None:
    """Store the events with the stack's next sequences and wake the publisher when the caller commits.

    Inside a transaction that holds the stack's lock, after its state was stored. Ids derive from stack and sequence.
    """
    if not events:
        return
    with connection.cursor() as cursor:
        cursor.execute(NUMBER, [len(events), project_id, server_id, CHANNEL, OF_STACKS])
        ((last, _),) = cursor.fetchall()
    StackEvent.objects.bulk_create(
        StackEvent(
            id=uuid5(project_id, f"{server_id}:{sequence}"),
            project_id=project_id,
            server_id=server_id,
            sequence=sequence,
            type=event.type,
            payload=dict(event.payload),
            created_at=at,
        )
        for sequence, event in enumerate(events, start=last - len(events) + 1)
    )


def last_sequence(*, project_id: UUID, server_id: UUID) -> int:
    """Return the sequence of the stack's newest event; 0 where nothing ever happened to one there."""
    row = StackState.objects.filter(project_id=project_id, server_id=server_id).first()
    if row is not None:
        return row.last_sequence
    events = StackEvent.objects.filter(project_id=project_id, server_id=server_id)
    return events.aggregate(highest=Max("sequence"))["highest"] or 0


def events_after(*, project_id: UUID, server_id: UUID, sequence: int, limit: int) -> tuple[StackEventRecord, ...]:
    """Return the stack's events above `sequence`, in order, at most `limit`."""
    rows = StackEvent.objects.filter(project_id=project_id, server_id=server_id, sequence__gt=sequence)
    return tuple(event_record(row) for row in rows.order_by("sequence")[:limit])


def event_record(row: StackEvent) -> StackEventRecord:
    return StackEventRecord(
        id=row.id,
        project_id=row.project_id,
        server_id=row.server_id,
        sequence=row.sequence,
        type=row.type,
        payload=row.payload,
        created_at=row.created_at,
    )


def to_judge(*, limit: int) -> frozenset[UUID]:
    """Return projects of which something else is seen than they were judged by."""
    judged = StackState.objects.filter(project_id=OuterRef("project_id"), server_id=OuterRef("server_id"))
    rows = ObservedStack.objects.annotate(judged=Subquery(judged.values("judged_number")[:1]))
    proven = DeploymentHistory.objects.filter(project_id=OuterRef("project_id"), target_id=OuterRef("server_id"))
    changed = rows.filter(Q(judged__isnull=True) | ~Q(judged=F("number")), Exists(proven))
    return frozenset(changed.order_by("changed_at").values_list("project_id", flat=True)[:limit])


def forget_server(*, server_id: UUID) -> None:
    """Drop what was judged on a server that is being removed. Its events stay until they are old."""
    StackState.objects.filter(server_id=server_id).delete()


def _state(row: StackState) -> JudgedState:
    return JudgedState(
        condition=row.condition,
        since_ms=row.since_ms,
        message=row.message,
        services=tuple(row.services),
        number=row.judged_number,
    )
