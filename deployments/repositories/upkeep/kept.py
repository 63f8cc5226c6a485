"""What history keeps of each lane, and dropping what it need not keep any longer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Greatest

from deployments.models import Deployment, DeploymentHistory, Project
from deployments.states import UNFINISHED

# The ids of a project and a target.
Lane = tuple[UUID, UUID]
# What is left of a snapshot that retention took away.
SHOWN = ("graphVersion", "images", "envNames")


@dataclass(frozen=True, kw_only=True)
class KeptEntry:
    """A history entry with its snapshot, as retention looks at it.

    `content` names what it makes run. `needed`: an unfinished rollback restores it.
    """

    id: UUID
    kind: str
    content: str
    rolled_back: bool = False
    needed: bool = False


def overfull_lanes(*, after: Lane | None = None, limit: int) -> tuple[tuple[Lane, int], ...]:
    """Return lanes with more entries than their project wants releases, and how many it wants; by id, above `after`."""
    retention = Project.objects.filter(pk=OuterRef("project_id")).values("retention")
    entries = DeploymentHistory.objects.filter(dropped_at__isnull=True)
    if after is not None:
        entries = entries.filter(Q(project_id__gt=after[0]) | Q(project_id=after[0], target_id__gt=after[1]))
    lanes = entries.order_by().values("project_id", "target_id")
    counted = lanes.annotate(kept=Count("pk"), wanted=Greatest(Subquery(retention), 1)).filter(kept__gt=F("wanted"))
    found = counted.order_by("project_id", "target_id").values_list("project_id", "target_id", "wanted")[:limit]
    return tuple(((project_id, target_id), wanted) for project_id, target_id, wanted in found)


def kept_in_lane(*, project_id: UUID, target_id: UUID) -> tuple[KeptEntry, ...]:
    """Return the lane's entries that retention did not take away yet, the newest first."""
    lane = DeploymentHistory.objects.filter(project_id=project_id, target_id=target_id, dropped_at__isnull=True)
    needed = Exists(Deployment.objects.filter(restores=OuterRef("pk"), status__in=sorted(UNFINISHED)))
    columns = ("pk", "deployment__kind", "rolled_back", "content_key", "needed")
    return tuple(
        KeptEntry(id=pk, kind=kind, rolled_back=undone, content=content or str(pk), needed=wanted)
        for pk, kind, undone, content, wanted in lane.annotate(needed=needed).order_by("-number").values_list(*columns)
    )


def drop(*, history_ids: Collection[UUID], at: datetime) -> int:
    """Take these snapshots away; what lists show of them stays. Inside a transaction that holds the lane's lock.

    Returns how many were dropped.
    """
    dropped = 0
    kept = DeploymentHistory.objects.filter(dropped_at__isnull=True)
    for row in kept.filter(pk__in=list(history_ids)).only("pk", "deployment_snapshot"):
        shown = {name: row.deployment_snapshot[name] for name in SHOWN if name in row.deployment_snapshot}
        dropped += kept.filter(pk=row.pk).update(
            deployment_snapshot=shown, sealed_variables="", env_vars={}, dropped_at=at
        )
    return dropped
