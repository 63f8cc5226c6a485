"""What was meant to run of each stack, and how what is there differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from deployments.models import StackDrift
from deployments.rules.drift import Difference, MeantSetup


@dataclass(frozen=True, kw_only=True)
class DriftRow:
    """A project on a server. `due_at`: compare at the latest then; None when nothing is owed.

    `touched_at`: when somebody on the host last changed something. `soak_until`: until when a success that degrades is
    rolled back.
    """

    project_id: UUID
    server_id: UUID
    deployment_id: UUID
    meant: tuple[MeantSetup, ...]
    proven_ids: frozenset[str]
    proven_at: datetime
    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]
    due_at: datetime | None
    touched_at: datetime | None
    repairs_stopped_at: datetime | None
    repairs_message: str
    soak_until: datetime | None
    soak_message: str


def find(*, project_id: UUID, server_id: UUID) -> DriftRow | None:
    row = StackDrift.objects.filter(project_id=project_id, server_id=server_id).first()
    return _record(row) if row else None


def find_locked(*, project_id: UUID, server_id: UUID) -> DriftRow | None:
    """Return the stack's row, locked until the caller's transaction ends. It is always the last lock that is taken."""
    rows = StackDrift.objects.select_for_update(no_key=True)
    row = rows.filter(project_id=project_id, server_id=server_id).first()
    return _record(row) if row else None


def of_project(*, project_id: UUID) -> dict[UUID, DriftRow]:
    """Return the project's rows by server."""
    return {row.server_id: _record(row) for row in StackDrift.objects.filter(project_id=project_id)}


def compared(*, project_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], DriftRow]:
    """Return the rows of these projects, by project and server, where no comparison is owed."""
    rows = StackDrift.objects.filter(project_id__in=project_ids, due_at=None)
    return {(row.project_id, row.server_id): _record(row) for row in rows}


def prove(
    *,
    project_id: UUID,
    server_id: UUID,
    deployment_id: UUID,
    meant: Sequence[MeantSetup],
    proven_ids: Collection[str],
    at: datetime,
    columns: Mapping[str, Any],
) -> None:
    """Store what is meant from now on. Inside a transaction; only the lane's one holder may call it."""
    StackDrift.objects.update_or_create(
        project_id=project_id,
        server_id=server_id,
        defaults={
            "deployment_id": deployment_id,
            "meant": [meant_to_json(each) for each in meant],
            "proven_ids": sorted(proven_ids),
            "proven_at": at,
            **columns,
        },
    )


def change(*, project_id: UUID, server_id: UUID, **columns: Any) -> int:
    """Store these columns; return whether there is such a stack."""
    return StackDrift.objects.filter(project_id=project_id, server_id=server_id).update(**columns)


def store_differences(
    *, row: DriftRow, differences: Sequence[Difference], unknown: Sequence[str], touched_at: datetime | None
) -> None:
    """Replace the differences. Inside a transaction that holds the row."""
    change(
        project_id=row.project_id,
        server_id=row.server_id,
        differences=[difference_to_json(each) for each in differences],
        unknown=list(unknown),
        touched_at=touched_at,
        due_at=None,
    )


def forget_server(*, server_id: UUID) -> None:
    """Drop what was meant and seen on a server that is being removed."""
    StackDrift.objects.filter(server_id=server_id).delete()


def due(*, at: datetime, limit: int) -> tuple[tuple[UUID, UUID], ...]:
    """Return project and server of stacks that are to be compared, those first that wait longest."""
    rows = StackDrift.objects.filter(due_at__lte=at).order_by("due_at")
    return tuple(rows.values_list("project_id", "server_id")[:limit])


def to_repair(*, limit: int) -> tuple[DriftRow, ...]:
    """Return stacks that differ and whose projects want them repaired by themselves."""
    rows = StackDrift.objects.filter(project__automatic_repair=True, repairs_stopped_at__isnull=True, due_at=None)
    return _records(rows.exclude(differences=[]).order_by("pk"), limit)


def soaking(*, limit: int) -> tuple[DriftRow, ...]:
    """Return stacks whose last success is still watched."""
    return _records(StackDrift.objects.filter(Q(soak_until__isnull=False)).order_by("soak_until"), limit)


def _records(rows: QuerySet[StackDrift], limit: int) -> tuple[DriftRow, ...]:
    return tuple(_record(row) for row in rows[:limit])


def _record(row: StackDrift) -> DriftRow:
    return DriftRow(
        project_id=row.project_id,
        server_id=row.server_id,
        deployment_id=row.deployment_id,
        meant=tuple(meant_from_json(raw) for raw in row.meant),
        proven_ids=frozenset(row.proven_ids),
        proven_at=row.proven_at,
        differences=tuple(difference_from_json(raw) for raw in row.differences),
        unknown=tuple(row.unknown),
        due_at=row.due_at,
        touched_at=row.touched_at,
        repairs_stopped_at=row.repairs_stopped_at,
        repairs_message=row.repairs_message,
        soak_until=row.soak_until,
        soak_message=row.soak_message,
    )


def meant_to_json(meant: MeantSetup) -> dict[str, Any]:
    return {**asdict(meant), "settings": dict(meant.settings), "shown": dict(meant.shown)}


def meant_from_json(raw: Mapping[str, Any]) -> MeantSetup:
    return MeantSetup(**_known(MeantSetup, raw))


def difference_to_json(difference: Difference) -> dict[str, Any]:
    return asdict(difference)


def difference_from_json(raw: Mapping[str, Any]) -> Difference:
    return Difference(**_known(Difference, raw))


def _known(kind: type[Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that this version knows; what another one stored besides is left alone."""
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in raw.items() if name in names}
