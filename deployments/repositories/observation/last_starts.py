"""The last deployment that was started on each of many stacks, and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from deployments.models import Deployment
from deployments.repositories.observation.stack_states import StackKey

_NEWEST = """
SELECT newest.id FROM unnest(%s::uuid[], %s::uuid[]) AS stack(project_id, server_id)
CROSS JOIN LATERAL (
  SELECT id FROM deployments
  WHERE project_id = stack.project_id AND target_id = stack.server_id AND start_number IS NOT NULL
  ORDER BY start_number DESC LIMIT 1
) AS newest
"""


@dataclass(frozen=True, kw_only=True)
class LastStart:
    """A deployment that was started and has ended."""

    deployment_id: UUID
    kind: str
    requested_by: str
    status: str
    reason: str
    message: str
    failed_service: str
    log_tail: tuple[str, ...]
    completed_at: datetime


def ended(*, stacks: Collection[StackKey]) -> dict[StackKey, LastStart]:
    """Return the last start of each of these stacks where it has ended."""
    pairs = list(stacks)
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [[project for project, _ in pairs], [server for _, server in pairs]])
        ids = [row[0] for row in cursor.fetchall()]
    rows = Deployment.objects.filter(pk__in=ids, completed_at__isnull=False).select_related("requested_by")
    columns = (
        "project_id", "server_id", "kind", "status", "reason", "message", "failed_service", "log_tail", "completed_at",
        "requested_by__username",
    )  # fmt: skip
    found: dict[StackKey, LastStart] = {}
    for row in rows.only(*columns):
        assert row.completed_at is not None
        assert row.server_id is not None
        found[row.project_id, row.server_id] = LastStart(
            deployment_id=row.pk,
            kind=row.kind,
            requested_by=row.requested_by.get_username(),
            status=row.status,
            reason=row.reason,
            message=row.message,
            failed_service=row.failed_service,
            log_tail=tuple(row.log_tail),
            completed_at=row.completed_at,
        )
    return found
