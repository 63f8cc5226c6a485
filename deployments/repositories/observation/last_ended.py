"""The last deployment that ended on each of many stacks, and how."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from deployments.models import Deployment
from deployments.repositories.observation.stack_states import StackKey
from deployments.states import Reason

_NEWEST = """
SELECT newest.id FROM unnest(%s::uuid[], %s::uuid[]) AS stack(project_id, server_id)
CROSS JOIN LATERAL (
  SELECT id FROM deployments
  WHERE project_id = stack.project_id AND target_id = stack.server_id
    AND completed_at IS NOT NULL AND NOT reason = ANY(%s)
  ORDER BY created_at DESC, id DESC LIMIT 1
) AS newest
"""
# What a person asked for is no failure, and says nothing of the one before it.
ASKED_FOR = (Reason.CANCELLED, Reason.SUPERSEDED)


@dataclass(frozen=True, kw_only=True)
class LastEnded:
    """A deployment that ended; `started`: an agent was told of it."""

    deployment_id: UUID
    kind: str
    requested_by: str
    status: str
    reason: str
    message: str
    failed_service: str
    log_tail: tuple[str, ...]
    completed_at: datetime
    started: bool


def of_stacks(*, stacks: Collection[StackKey]) -> dict[StackKey, LastEnded]:
    """Return the last deployment of each of these stacks that ended otherwise than by being taken back."""
    pairs = list(stacks)
    with connection.cursor() as cursor:
        projects, servers = [project for project, _ in pairs], [server for _, server in pairs]
        cursor.execute(_NEWEST, [projects, servers, [str(reason) for reason in ASKED_FOR]])
        ids = [row[0] for row in cursor.fetchall()]
    rows = Deployment.objects.filter(pk__in=ids, completed_at__isnull=False).select_related("requested_by")
    columns = (
        "project_id", "target_id", "kind", "status", "reason", "message", "failed_service", "log_tail",
        "completed_at", "started_at", "requested_by__username",
    )  # fmt: skip
    found: dict[StackKey, LastEnded] = {}
    for row in rows.only(*columns):
        assert row.completed_at is not None
        found[row.project_id, row.target_id] = LastEnded(
            deployment_id=row.pk,
            kind=row.kind,
            requested_by=row.requested_by.get_username(),
            status=row.status,
            reason=row.reason,
            message=row.message,
            failed_service=row.failed_service,
            log_tail=tuple(row.log_tail),
            completed_at=row.completed_at,
            started=row.started_at is not None,
        )
    return found
