"""Write down who changed what, inside the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from deployments.data.audit_types import AuditAction
from deployments.repositories import clock
from deployments.repositories.people import audit_rows
from deployments.types import Caller


def record(
    *,
    by: Caller,
    action: AuditAction,
    detail: str = "",
    project_id: UUID | None = None,
    server_id: UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """Add an entry with the database's time. Inside the transaction that makes it true; `detail` names no secret."""
    audit_rows.add(
        at=clock.now(),
        actor_id=by.user_id,
        actor_name=by.name,
        action=action,
        detail=detail,
        project_id=project_id,
        server_id=server_id,
        person_id=person_id,
    )


def names_in(names: Iterable[str]) -> str:
    """Return names as one text, sorted."""
    return ", ".join(sorted(names))


def drop_old(*, at: datetime) -> int:
    """Drop some of what is older than AXION_KEEP_AUDIT_DAYS; return how many."""
    return audit_rows.drop_old(before=at - timedelta(days=settings.AXION_KEEP_AUDIT_DAYS))
