"""The audit log: rows are added, read and, when they are old, dropped."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from deployments.data.audit_types import AuditAction, AuditRecord
from deployments.data.list_types import Page
from deployments.models import AuditEntry

MAX_DETAIL = 500
MAX_NAME = 150
# Of one round of housekeeping.
BATCH = 1000


def add(
    *,
    at: datetime,
    actor_id: UUID,
    actor_name: str,
    action: AuditAction,
    detail: str,
    project_id: UUID | None,
    server_id: UUID | None,
    person_id: UUID | None,
) -> None:
    """Add an entry, inside the transaction of what it tells. What is too long is cut."""
    AuditEntry.objects.create(
        at=at,
        actor_id=actor_id,
        actor_name=actor_name[:MAX_NAME],
        action=action.value,
        detail=detail if len(detail) <= MAX_DETAIL else f"{detail[: MAX_DETAIL - 3]}...",
        project_id=project_id,
        server_id=server_id,
        person_id=person_id,
    )


def of_project(*, project_id: UUID, page: int, limit: int) -> Page[AuditRecord]:
    return _page(AuditEntry.objects.filter(project_id=project_id), page=page, limit=limit)


def of_server(*, server_id: UUID, page: int, limit: int) -> Page[AuditRecord]:
    return _page(AuditEntry.objects.filter(server_id=server_id), page=page, limit=limit)


def of_person(*, person_id: UUID, page: int, limit: int) -> Page[AuditRecord]:
    """Return what was changed of this person, and what this person changed."""
    rows = AuditEntry.objects.filter(Q(person_id=person_id) | Q(actor_id=person_id))
    return _page(rows, page=page, limit=limit)


def drop_old(*, before: datetime) -> int:
    """Drop some of the entries from before this moment; return how many."""
    old = AuditEntry.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:BATCH]
    deleted, _ = AuditEntry.objects.filter(pk__in=list(old)).delete()
    return deleted


def _page(rows: QuerySet[AuditEntry], *, page: int, limit: int) -> Page[AuditRecord]:
    newest = rows.order_by("-id")
    items = tuple(_record(row) for row in newest[(page - 1) * limit : page * limit])
    return Page(items=items, page=page, limit=limit, total=rows.count())


def _record(row: AuditEntry) -> AuditRecord:
    return AuditRecord(
        id=row.pk,
        at=row.at,
        actor_id=row.actor_id,
        actor=row.actor_name,
        action=row.action,
        detail=row.detail,
        project_id=row.project_id,
        server_id=row.server_id,
        person_id=row.person_id,
    )
