"""One at a time: the lock of a lane, who holds it and who waits."""

from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.db.models import F, Max, QuerySet

from deployments.models import Deployment
from deployments.repositories.deployments import rows
from deployments.repositories.records import deployment_record
from deployments.states import ACTIVE, UNFINISHED, Status
from deployments.types import DeploymentRecord


def lock(*, lane: str) -> None:
    """Serialize all decisions about this lane until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"lane:{lane}"])


def in_lane(*, project_id: UUID, target_id: UUID) -> QuerySet[Deployment]:
    return Deployment.objects.filter(project_id=project_id, target_id=target_id)


def holder(*, project_id: UUID, target_id: UUID) -> UUID | None:
    """Return the deployment that works on the lane now."""
    active = in_lane(project_id=project_id, target_id=target_id).filter(
        status__in=sorted(ACTIVE), rolled_back_by__isnull=True
    )
    return active.values_list("pk", flat=True).first()


def waiting(*, project_id: UUID, target_id: UUID, kind: str = "") -> tuple[UUID, ...]:
    """Return pending deployments of the lane, of one kind or of all, the one to run next first."""
    pending = in_lane(project_id=project_id, target_id=target_id).filter(status=Status.PENDING)
    if kind:
        pending = pending.filter(kind=kind)
    return tuple(pending.order_by("created_at", "pk").values_list("pk", flat=True))


def is_next(*, deployment_id: UUID, project_id: UUID, target_id: UUID) -> bool:
    """Return whether nothing stands before this pending deployment; it holds for as long as the lane's lock is held."""
    if holder(project_id=project_id, target_id=target_id) is not None:
        return False
    return waiting(project_id=project_id, target_id=target_id)[:1] == (deployment_id,)


def last_started(*, project_id: UUID, target_id: UUID) -> DeploymentRecord | None:
    """Return the deployment of the lane that an agent was told of last."""
    started = rows().filter(project_id=project_id, target_id=target_id, started_at__isnull=False)
    # An earlier version gave its starts no number.
    row = started.order_by(F("start_number").desc(nulls_last=True), "-started_at", "-id").first()
    return deployment_record(row) if row else None


def next_start_number(*, project_id: UUID, target_id: UUID) -> int:
    """Return the number of the lane's next start. Inside a transaction that holds the lane's lock."""
    lane = in_lane(project_id=project_id, target_id=target_id)
    return (lane.aggregate(highest=Max("start_number"))["highest"] or 0) + 1


def unfinished(*, project_id: UUID, limit: int) -> tuple[DeploymentRecord, ...]:
    """Return deployments of the project that work or wait, the oldest first; not those that a rollback undoes."""
    unfinished_rows = rows().filter(project_id=project_id, status__in=sorted(UNFINISHED), rolled_back_by__isnull=True)
    return tuple(deployment_record(row) for row in unfinished_rows.order_by("created_at", "id")[:limit])


def busy_targets(*, project_id: UUID) -> frozenset[UUID]:
    """Return the targets on which a deployment of the project is at work."""
    active = Deployment.objects.filter(project_id=project_id, status__in=sorted(ACTIVE), rolled_back_by__isnull=True)
    return frozenset(active.values_list("target_id", flat=True))


def is_busy(*, target_id: UUID) -> bool:
    """Return whether a deployment to this target is not finished."""
    return Deployment.objects.filter(target_id=target_id, status__in=sorted(UNFINISHED)).exists()
