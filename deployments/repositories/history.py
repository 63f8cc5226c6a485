"""What succeeded, kept so that it can be brought back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db.models import F, Max, Q, QuerySet

from deployments.errors import NotFound
from deployments.models import DeploymentHistory
from deployments.repositories.records import history_entry, snapshot_record
from deployments.states import Status
from deployments.types import DeploymentRecord, HistoryEntry, Page, Snapshot

ENTRY_COLUMNS = (
    "id",
    "project_id",
    "target_id",
    "number",
    "version",
    "rolled_back",
    "created_at",
    "dropped_at",
    "deployment__kind",
    "deployment__server_id",
    "deployment__cluster_id",
    "deployment__requested_by__username",
)


def record(
    *,
    deployment_id: UUID,
    project_id: UUID,
    target_id: UUID,
    snapshot: Mapping[str, Any],
    sealed_variables: str,
    env_vars: Mapping[str, str],
    at: datetime,
) -> None:
    """Store a success under the lane's next number, its values sealed as they are for the deployment.

    Inside a transaction; only the lane's one holder may call it.
    """
    lane = DeploymentHistory.objects.filter(project_id=project_id, target_id=target_id)
    number = (lane.aggregate(highest=Max("number"))["highest"] or 0) + 1
    DeploymentHistory.objects.create(
        id=uuid5(deployment_id, "history"),
        deployment_id=deployment_id,
        project_id=project_id,
        target_id=target_id,
        number=number,
        version=f"v{number}",
        deployment_snapshot=dict(snapshot),
        sealed_variables=sealed_variables,
        env_vars=dict(env_vars),
        created_at=at,
    )


def light_rows() -> QuerySet[DeploymentHistory]:
    """Entries without the files, the graph and the sealed values, which can be large."""
    rows = DeploymentHistory.objects.select_related("deployment__requested_by").only(*ENTRY_COLUMNS)
    return rows.annotate(
        kept_images=F("deployment_snapshot__images"),
        kept_env_names=F("deployment_snapshot__envNames"),
        kept_graph_version=F("deployment_snapshot__graphVersion"),
    )


def in_lane(*, project_id: UUID, target_id: UUID) -> QuerySet[DeploymentHistory]:
    return light_rows().filter(project_id=project_id, target_id=target_id).order_by("-number")


def get(*, history_id: UUID) -> HistoryEntry:
    """Raises NotFound."""
    row = light_rows().filter(pk=history_id).first()
    if row is None:
        raise NotFound("No such history entry.")
    return history_entry(row)


def of_deployment(*, deployment_id: UUID) -> HistoryEntry | None:
    """The entry that this deployment's success made."""
    row = light_rows().filter(deployment=deployment_id).first()
    return history_entry(row) if row else None


def running(*, project_id: UUID, target_id: UUID) -> HistoryEntry | None:
    """The lane's last proven state: what runs, unless a later deployment failed and could not be put back."""
    row = in_lane(project_id=project_id, target_id=target_id).first()
    return history_entry(row) if row else None


def before(*, deployment: DeploymentRecord, limit: int) -> tuple[HistoryEntry, ...]:
    """Successes of the lane before this deployment that were not rolled back themselves, the last one first."""
    own = of_deployment(deployment_id=deployment.id)
    earlier = (
        Q(number__lt=own.number)
        if own is not None
        else Q(created_at__lte=deployment.started_at or deployment.created_at)
    )
    lane = in_lane(project_id=deployment.project_id, target_id=deployment.target.id)
    rows = lane.filter(earlier, deployment__status=Status.SUCCESS)
    return tuple(history_entry(row) for row in rows[:limit])


def page_of(*, project_id: UUID, target_id: UUID | None, page: int, limit: int) -> Page[HistoryEntry]:
    """Newest first, of one target or of all."""
    rows = light_rows().filter(project_id=project_id)
    rows = (
        rows.order_by("-created_at", "-number")
        if target_id is None
        else rows.filter(target_id=target_id).order_by("-number")
    )
    start = (page - 1) * limit
    items = tuple(history_entry(row) for row in rows[start : start + limit])
    return Page(items=items, page=page, limit=limit, total=rows.count())


def snapshot(*, history_id: UUID) -> Snapshot:
    """Raises NotFound, also when retention took it away."""
    row = DeploymentHistory.objects.select_related("deployment").filter(pk=history_id, dropped_at__isnull=True).first()
    if row is None:
        raise NotFound("This version is no longer kept.")
    return snapshot_record(row)


def mark_rolled_back(*, deployment_id: UUID) -> None:
    """The deployment's success was undone. Inside a transaction."""
    DeploymentHistory.objects.filter(deployment=deployment_id).update(rolled_back=True)
