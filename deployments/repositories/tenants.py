"""Whose projects are on a server, and the little that its owner is told of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from deployments.models import Deployment, DeploymentHistory, Project
from deployments.states import UNFINISHED

# Of one server; a machine that holds more is no longer looked at as a list.
MAX_TENANTS = 200


class Latest(NamedTuple):
    """The newest deployment of a lane, without anything of what it is made of."""

    id: UUID
    kind: str
    status: str
    reason: str
    undone_by: UUID | None
    created_at: datetime


def projects_on(*, server_id: UUID) -> set[UUID]:
    """Projects of which a success is kept there, or a deployment is not finished."""
    kept = DeploymentHistory.objects.filter(target_id=server_id, dropped_at__isnull=True)
    unfinished = Deployment.objects.filter(server_id=server_id, status__in=sorted(UNFINISHED))
    found = kept.order_by().values_list("project_id", flat=True).distinct()[:MAX_TENANTS]
    return {*found, *unfinished.order_by().values_list("project_id", flat=True).distinct()[:MAX_TENANTS]}


def owners_of(*, project_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """By project the name of its owner."""
    rows = Project.objects.filter(pk__in=project_ids)
    return dict(rows.values_list("pk", "owner__username"))


def latest(*, project_id: UUID, server_id: UUID) -> Latest | None:
    rows = Deployment.objects.filter(project_id=project_id, server_id=server_id).order_by("-created_at", "-id")
    found = rows.values_list("id", "kind", "status", "reason", "rolled_back_by_id", "created_at").first()
    return Latest(*found) if found else None
