"""Looks at servers and what was taken over of them: the only code that changes their state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models.functions import Now

from deployments.data.adoption_types import AdoptionRecord, AdoptionState
from deployments.errors import NotFound
from deployments.models import Adoption
from deployments.repositories import clock
from deployments.types import Caller


def add(*, adoption_id: UUID, server_id: UUID, server_name: str, caller: Caller, wait: timedelta) -> AdoptionRecord:
    """Store that somebody wants to look. Raises IntegrityError while another look at the server is underway."""
    now = clock.now()
    row = Adoption.objects.create(
        id=adoption_id,
        server_id=server_id,
        server_name=server_name[:100],
        requested_by_id=caller.user_id,
        requested_by_name=caller.name[:150],
        requested_at=now,
        deadline_at=now + wait,
    )
    return _record(row)


def newest(*, server_id: UUID) -> AdoptionRecord | None:
    """Return the last look at a server."""
    row = Adoption.objects.filter(server_id=server_id).first()
    return _record(row) if row else None


def find(*, adoption_id: UUID) -> AdoptionRecord | None:
    row = Adoption.objects.filter(pk=adoption_id).first()
    return _record(row) if row else None


def get_locked(*, adoption_id: UUID, server_id: UUID | None = None) -> AdoptionRecord:
    """Return the row and lock it until the caller's transaction ends. Raises NotFound, also for another server's."""
    row = Adoption.objects.select_for_update(no_key=True).filter(pk=adoption_id).first()
    if row is None or (server_id is not None and row.server_id != server_id):
        raise NotFound("There is no such inspection of this server.", details={"inspectionId": "not found"})
    return _record(row)


def exists(*, adoption_id: UUID) -> bool:
    return Adoption.objects.filter(pk=adoption_id).exists()


def keep_told(*, adoption_id: UUID, sealed: str) -> bool:
    """Keep what was told, while it is waited for."""
    return Adoption.objects.filter(pk=adoption_id, state=AdoptionState.ASKED).update(sealed=sealed) == 1


def describe(*, adoption_id: UUID, message: str, keep: timedelta, at: datetime) -> bool:
    """Note that what was told is all of it; it is kept for so long."""
    asked = Adoption.objects.filter(pk=adoption_id, state=AdoptionState.ASKED)
    return asked.update(state=AdoptionState.DESCRIBED, message=message, told_at=at, deadline_at=clock.now() + keep) == 1


def refuse(*, adoption_id: UUID, message: str) -> bool:
    """End a look that told nothing."""
    asked = Adoption.objects.filter(pk=adoption_id, state=AdoptionState.ASKED)
    return asked.update(state=AdoptionState.REFUSED, message=message, sealed="") == 1


def forget(*, adoption_id: UUID) -> bool:
    """Wipe what was told and nobody used."""
    described = Adoption.objects.filter(pk=adoption_id, state=AdoptionState.DESCRIBED)
    return described.update(state=AdoptionState.FORGOTTEN, sealed="") == 1


def plan(*, adoption_id: UUID, project_id: UUID, containers: Mapping[str, str], volumes: tuple[str, ...]) -> bool:
    """Note what the project takes over; the values are the project's by now, and wiped here."""
    described = Adoption.objects.filter(pk=adoption_id, state=AdoptionState.DESCRIBED)
    return (
        described.update(
            state=AdoptionState.PLANNED,
            sealed="",
            project_id=project_id,
            containers=dict(containers),
            volumes=list(volumes),
        )
        == 1
    )


def take(*, project_id: UUID, server_id: UUID) -> int:
    """Note that the project runs in the place of what it was to take over there."""
    planned = Adoption.objects.filter(project_id=project_id, server_id=server_id, state=AdoptionState.PLANNED)
    return planned.update(state=AdoptionState.TAKEN)


def of_project(*, project_id: UUID, server_id: UUID) -> tuple[AdoptionRecord, ...]:
    """Return what the project takes over on a server, or has taken over."""
    return tuple(_record(row) for row in Adoption.objects.filter(project_id=project_id, server_id=server_id))


def overdue(*, limit: int) -> tuple[UUID, ...]:
    """Return looks that nobody answered, and what was told and nobody used, by the database's clock."""
    rows = Adoption.objects.filter(
        state__in=[AdoptionState.ASKED, AdoptionState.DESCRIBED], deadline_at__lte=Now()
    ).order_by("deadline_at")
    return tuple(rows.values_list("pk", flat=True)[:limit])


def _record(row: Adoption) -> AdoptionRecord:
    return AdoptionRecord(
        id=row.id,
        server_id=row.server_id,
        server_name=row.server_name,
        state=AdoptionState(row.state),
        message=row.message,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        told_at=row.told_at,
        sealed=row.sealed,
        project_id=row.project_id,
        containers=row.containers,
        volumes=tuple(row.volumes),
    )
