"""What servers and clusters were called that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from deployments.models import RemovedMachine
from deployments.repositories import clock


def keep_name(*, machine_id: UUID, name: str) -> None:
    """Keep the name of a machine that is being removed. Inside the transaction that removes it."""
    RemovedMachine.objects.update_or_create(pk=machine_id, defaults={"name": name[:100], "removed_at": clock.now()})


def name_of(machine_id: UUID) -> str:
    """Return what the machine was called, marked as removed; a piece of its id where that was never kept."""
    name = RemovedMachine.objects.filter(pk=machine_id).values_list("name", flat=True).first()
    return f"{name} (removed)" if name else str(machine_id)[:8]


def former_name(machine_id: UUID) -> str:
    """Return what a machine that is gone was called; empty for one that is there, or was never known."""
    return RemovedMachine.objects.filter(pk=machine_id).values_list("name", flat=True).first() or ""


def gone_among(machine_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return which of these machines are gone."""
    return frozenset(RemovedMachine.objects.filter(pk__in=list(machine_ids)).values_list("pk", flat=True))
