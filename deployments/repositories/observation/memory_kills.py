"""When containers of stacks were killed for lack of memory: stored once, however often it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from deployments.models import MemoryKill

# Docker's event and the end of the container tell of one kill by two readings.
SAME_KILL_MS = 2_000
MAX_KNOWN = 10_000


@dataclass(frozen=True, kw_only=True)
class Kill:
    """`host_ms` names the kill, by the host's clock; `at` is the same moment by ours."""

    project_id: UUID
    container_id: str
    host_ms: int
    service: str
    container: str
    at: datetime


def store(*, server_id: UUID, kills: Sequence[Kill]) -> None:
    """Store those that are not known yet, of one or more; at about the same moment of a container they are one."""
    told = [each.host_ms for each in kills]
    known = MemoryKill.objects.filter(
        container_id__in=[each.container_id for each in kills],
        host_ms__range=(min(told) - SAME_KILL_MS, max(told) + SAME_KILL_MS),
    )
    moments = list(known.values_list("container_id", "host_ms")[:MAX_KNOWN])
    rows = [
        MemoryKill(
            project_id=each.project_id,
            server_id=server_id,
            container_id=each.container_id,
            host_ms=each.host_ms,
            service=each.service,
            container=each.container,
            at=each.at,
        )
        for each in kills
        if not any(of == each.container_id and abs(at - each.host_ms) < SAME_KILL_MS for of, at in moments)
    ]
    MemoryKill.objects.bulk_create(rows, ignore_conflicts=True)


def of_project(*, project_id: UUID, since: datetime, limit: int) -> tuple[Kill, ...]:
    """Return the project's newest kills since then, oldest first."""
    return _newest(MemoryKill.objects.filter(project_id=project_id, at__gte=since), limit)


def of_server(*, server_id: UUID, since: datetime, limit: int) -> tuple[Kill, ...]:
    """Return the newest kills on the server since then, oldest first."""
    return _newest(MemoryKill.objects.filter(server_id=server_id, at__gte=since), limit)


def drop_before(*, before: datetime, limit: int) -> int:
    """Delete kills from before then; return how many."""
    old = MemoryKill.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:limit]
    return MemoryKill.objects.filter(pk__in=list(old)).delete()[0]


def _newest(rows: QuerySet[MemoryKill], limit: int) -> tuple[Kill, ...]:
    found = list(rows.order_by("-at", "-pk")[:limit])
    return tuple(
        Kill(
            project_id=row.project_id,
            container_id=row.container_id,
            host_ms=row.host_ms,
            service=row.service,
            container=row.container,
            at=row.at,
        )
        for row in reversed(found)
    )
