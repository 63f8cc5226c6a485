"""Wishes that servers and clusters go: the only code that changes their state."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef

from deployments.data.end_types import DeletionState, MachineDeletionRecord, MachineEnd
from deployments.models import Deployment, MachineDeletion, Project
from deployments.repositories.ends import deletions
from deployments.types import Caller, Target

MAX_PROJECTS = 1000


def begin(*, target: Target, name: str, owner_id: UUID, end: MachineEnd, caller: Caller) -> MachineDeletionRecord:
    """Store the wish, or take up again one that is stuck. Inside a transaction that holds the machine's lock."""
    first, facts = {"kind": target.kind, "name": name[:100]}, {"owner_id": owner_id, "end": end}
    return _record(deletions.begin(MachineDeletion, key=target.id, first=first, facts=facts, caller=caller))


def cancel(*, machine_id: UUID) -> None:
    """Take the wish back as if it had never been. Inside a transaction that holds the machine's lock."""
    deletions.cancel(MachineDeletion, key=machine_id)


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
    return deletions.at_work(MachineDeletion, limit=limit)


def note(*, machine_id: UUID, state: DeletionState, message: str) -> bool:
    """Store what a deletion at work waits for, or why it is stuck; False when it says so already or has ended."""
    return deletions.note(MachineDeletion, key=machine_id, state=state, message=message)


def finish(*, machine_id: UUID) -> None:
    """Say that the machine is gone. Inside the transaction that removes it."""
    deletions.finish(MachineDeletion, key=machine_id)


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
