"""Wishes that servers and clusters go: the only code that changes their state."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef

from deployments.data.end_types import DeletionState, MachineDeletionRecord, MachineEnd
from deployments.models import Deployment, MachineDeletion, Project
from deployments.repositories import clock
from deployments.types import Caller, Target

MAX_PROJECTS = 1000


def begin(*, target: Target, name: str, owner_id: UUID, end: MachineEnd, caller: Caller) -> MachineDeletionRecord:
    """Store the wish, or take up again one that is stuck. Inside a transaction that holds the machine's lock."""
    facts = {
        "owner_id": owner_id,
        "end": end,
        "state": DeletionState.DELETING,
        "message": "",
        "requested_by_id": caller.user_id,
        "requested_by_name": caller.name[:150],
    }
    first = {"kind": target.kind, "name": name[:100], "requested_at": clock.now(), **facts}
    row, made = MachineDeletion.objects.get_or_create(machine_id=target.id, defaults=first)
    if not made:
        MachineDeletion.objects.filter(pk=row.pk).update(attempt=row.attempt + 1, **facts)
        row.refresh_from_db()
    return _record(row)


def cancel(*, machine_id: UUID) -> None:
    """Take the wish back as if it had never been. Inside a transaction that holds the machine's lock."""
    MachineDeletion.objects.filter(pk=machine_id).exclude(state=DeletionState.DELETED).delete()


def find(*, machine_id: UUID) -> MachineDeletionRecord | None:
    row = MachineDeletion.objects.filter(pk=machine_id).first()
    return _record(row) if row else None


def is_open(*, machine_id: UUID) -> bool:
    """Return whether the machine is to go and has not gone yet, also where that is stuck."""
    return MachineDeletion.objects.filter(pk=machine_id).exclude(state=DeletionState.DELETED).exists()


def open_among(*, machine_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return which of these machines are to go and have not gone yet."""
    rows = MachineDeletion.objects.filter(pk__in=list(machine_ids)).exclude(state=DeletionState.DELETED)
    return frozenset(rows.values_list("pk", flat=True))


def at_work(*, limit: int) -> tuple[UUID, ...]:
    """Return the machines whose deletion goes on by itself, the oldest first."""
    rows = MachineDeletion.objects.filter(state=DeletionState.DELETING).order_by("requested_at")
    return tuple(rows.values_list("pk", flat=True)[:limit])


def note(*, machine_id: UUID, state: DeletionState, message: str) -> bool:
    """Store what a deletion at work waits for, or why it is stuck; False when it says so already or has ended."""
    rows = MachineDeletion.objects.filter(pk=machine_id, state=DeletionState.DELETING)
    return rows.exclude(state=state, message=message).update(state=state, message=message) == 1


def finish(*, machine_id: UUID) -> None:
    """Say that the machine is gone. Inside the transaction that removes it."""
    MachineDeletion.objects.filter(pk=machine_id).update(state=DeletionState.DELETED, message="", ended_at=clock.now())


def projects_started_on(*, target_id: UUID) -> tuple[UUID, ...]:
    """Return the projects of which anything was ever started there, in a stable order."""
    started = Deployment.objects.filter(project_id=OuterRef("pk"), target_id=target_id, started_at__isnull=False)
    return tuple(Project.objects.filter(Exists(started)).order_by("pk").values_list("pk", flat=True)[:MAX_PROJECTS])


def _record(row: MachineDeletion) -> MachineDeletionRecord:
    return MachineDeletionRecord(
        machine_id=row.machine_id,
        kind=row.kind,
        name=row.name,
        owner_id=row.owner_id,
        end=MachineEnd(row.end),
        state=DeletionState(row.state),
        attempt=row.attempt,
        message=row.message,
        requested_by_id=row.requested_by_id,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
    )
