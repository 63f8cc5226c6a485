"""What succeeded, kept so that it can be brought back."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db.models import (
    F,
    Func,
    Max,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce, NullIf

from deployments.data.list_types import Page
from deployments.errors import NotFound
from deployments.models import Deployment, DeploymentHistory
from deployments.repositories.records import history_entry, snapshot_record
from deployments.states import Reason, Stage, Status
from deployments.types import DeploymentRecord, HistoryEntry, KeptImages, Published, Snapshot

# As agents say it of a failure that came before the first change.
NOTHING_TOUCHED = "Nothing was touched."
# Entries of an earlier version have their sealed values with the deployment only.
SEALED = Coalesce(NullIf("sealed_variables", Value("")), "deployment__sealed_variables")
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
) -> str:
    """Store a success under the lane's next number, its values sealed as for the deployment; return its version.

    Inside a transaction; only the lane's one holder may call it.
    """
    number = newest_number(project_id=project_id, target_id=target_id) + 1
    version = f"v{number}"
    DeploymentHistory.objects.create(
        id=uuid5(deployment_id, "history"),
        deployment_id=deployment_id,
        project_id=project_id,
        target_id=target_id,
        number=number,
        version=version,
        deployment_snapshot=dict(snapshot),
        sealed_variables=sealed_variables,
        env_vars=dict(env_vars),
        content_key=content_key(snapshot),
        created_at=at,
    )
    return version


def content_key(snapshot: Mapping[str, Any]) -> str:
    """Return the name of what a snapshot makes run: the same for the same images, files and values."""
    config = snapshot.get("config", {})
    content = [snapshot.get("images"), config.get("files"), config.get("hashes")]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def newest_number(*, project_id: UUID, target_id: UUID) -> int:
    """Return the lane's highest number so far, 0 for none."""
    lane = DeploymentHistory.objects.filter(project_id=project_id, target_id=target_id)
    return lane.aggregate(highest=Max("number"))["highest"] or 0


def light_rows() -> QuerySet[DeploymentHistory]:
    """Return entries without the files, the graph and the sealed values, which can be large."""
    rows = DeploymentHistory.objects.select_related("deployment__requested_by").only(*ENTRY_COLUMNS)
    return rows.annotate(
        kept_images=F("deployment_snapshot__images"),
        kept_env_names=F("deployment_snapshot__envNames"),
        kept_graph_version=F("deployment_snapshot__graphVersion"),
        key_version=Func(SEALED, Value(":"), Value(1), function="split_part", output_field=TextField()),
    )


def in_lane(*, project_id: UUID, target_id: UUID) -> QuerySet[DeploymentHistory]:
    return light_rows().filter(project_id=project_id, target_id=target_id).order_by("-number")


def get(*, history_id: UUID) -> HistoryEntry:
    """Return the entry. Raises NotFound."""
    row = light_rows().filter(pk=history_id).first()
    if row is None:
        raise NotFound("No such history entry.")
    return history_entry(row)


def of_deployment(*, deployment_id: UUID) -> HistoryEntry | None:
    """Return the entry that this deployment's success made."""
    row = light_rows().filter(deployment=deployment_id).first()
    return history_entry(row) if row else None


def running(*, project_id: UUID, target_id: UUID) -> HistoryEntry | None:
    """Return the lane's last proven state: what runs, unless a later deployment failed and could not be put back."""
    row = in_lane(project_id=project_id, target_id=target_id).first()
    return history_entry(row) if row else None


def failed_since(entry: HistoryEntry) -> bool:
    """Return whether a later deployment of the lane failed after it had begun to change what runs there."""
    later = Deployment.objects.filter(
        project_id=entry.project_id, target_id=entry.target.id, status=Status.FAILED, completed_at__gt=entry.created_at
    )
    touched = Q(stage__in=(Stage.DEPLOYING, Stage.HEALTH_CHECKING)) | Q(reason=Reason.UNHEALTHY)
    begun = later.filter(touched).exclude(reason=Reason.CANCELLED)
    return begun.exclude(message__contains=NOTHING_TOUCHED).exists()


def running_by_target(*, project_id: UUID) -> tuple[HistoryEntry, ...]:
    """Return the last proven state of each lane of the project that has one."""
    entries = (running(project_id=project_id, target_id=target_id) for target_id in targets(project_id=project_id))
    return tuple(entry for entry in entries if entry is not None)


def services_of_lane(*, project_id: UUID, target_id: UUID, limit: int) -> tuple[list[dict[str, Any]], ...]:
    """Return the services of the lane's newest kept versions, newest first, as they were stored."""
    rows = in_lane(project_id=project_id, target_id=target_id).filter(dropped_at__isnull=True)
    return tuple(found or [] for found in rows.values_list("deployment_snapshot__config__services", flat=True)[:limit])


def published_on(*, target_id: UUID, but: UUID) -> tuple[Published, ...]:
    """Return the ports of the target that the last success of each other project's lane has, in no order."""
    kept = DeploymentHistory.objects.filter(target_id=target_id, dropped_at__isnull=True).exclude(project_id=but)
    newest = kept.order_by("project_id", "-number").distinct("project_id")
    rows = newest.values_list(
        "deployment__project__name", "deployment__project__owner_id", "deployment_snapshot__config__services"
    )
    return tuple(
        Published(project_name=name, owner_id=owner_id, service=str(service.get("name", "")), ports=tuple(ports))
        for name, owner_id, services in rows
        for service in services or ()
        if (ports := service.get("published_ports"))
    )


def targets(*, project_id: UUID) -> tuple[UUID, ...]:
    """Return the ids of the targets where the project ever succeeded."""
    # Hops through the index from target to target: a long history costs no more than a short one.
    target_ids: list[UUID] = []
    lanes = DeploymentHistory.objects.filter(project_id=project_id).order_by("target_id", "number")
    ids = lanes.values_list("target_id", flat=True)
    following = ids.first()
    while following is not None:
        target_ids.append(following)
        following = ids.filter(target_id__gt=following).first()
    return tuple(target_ids)


def last_successes(*, project_id: UUID) -> tuple[UUID, ...]:
    """Return the last deployment of each lane that still counts as a success."""
    deployment_ids: list[UUID] = []
    for target_id in targets(project_id=project_id):
        lane = DeploymentHistory.objects.filter(project_id=project_id, target_id=target_id)
        succeeded = lane.filter(deployment__status=Status.SUCCESS).order_by("-number")
        deployment_ids += succeeded.values_list("deployment_id", flat=True)[:1]
    return tuple(deployment_ids)


def before(*, deployment: DeploymentRecord, limit: int) -> tuple[HistoryEntry, ...]:
    """Return successes of the lane before this deployment that were not rolled back themselves, the last one first."""
    # By numbers where there are any: times of two clocks have no order.
    own = of_deployment(deployment_id=deployment.id)
    if own is not None:
        earlier = Q(number__lt=own.number)
    elif deployment.base_number is not None:
        earlier = Q(number__lte=deployment.base_number)
    else:
        # An earlier version started it and noted no number.
        earlier = Q(created_at__lte=deployment.started_at or deployment.created_at)
    lane = in_lane(project_id=deployment.project_id, target_id=deployment.target.id)
    rows = lane.filter(earlier, deployment__status=Status.SUCCESS)
    return tuple(history_entry(row) for row in rows[:limit])


def any_of(*, deployment_ids: Collection[UUID]) -> bool:
    """Return whether one of these deployments ever succeeded."""
    return DeploymentHistory.objects.filter(deployment__in=deployment_ids).exists()


def page_of(*, project_id: UUID, target_id: UUID | None, page: int, limit: int) -> Page[HistoryEntry]:
    """Return a page of entries, newest first, of one target or of all. Only the page's rows are read whole."""
    rows = DeploymentHistory.objects.filter(project_id=project_id)
    if target_id is None:
        ordered = rows.order_by("-created_at", "-number")
    else:
        rows = rows.filter(target_id=target_id)
        ordered = rows.order_by("-number")
    start = (page - 1) * limit
    ids = list(ordered.values_list("pk", flat=True)[start : start + limit])
    rows_by_id = light_rows().in_bulk(ids)
    items = tuple(history_entry(rows_by_id[pk]) for pk in ids if pk in rows_by_id)
    return Page(items=items, page=page, limit=limit, total=rows.count())


def snapshot(*, history_id: UUID) -> Snapshot:
    """Return the entry's snapshot. Raises NotFound, also when retention took it away."""
    row = DeploymentHistory.objects.select_related("deployment").filter(pk=history_id, dropped_at__isnull=True).first()
    if row is None:
        raise NotFound("This version is no longer kept.")
    return snapshot_record(row)


def mark_rolled_back(*, deployment_id: UUID) -> None:
    """Note that the deployment's success was undone. Inside a transaction."""
    DeploymentHistory.objects.filter(deployment=deployment_id).update(rolled_back=True)


def is_kept(*, history_id: UUID) -> bool:
    """Return whether its snapshot is still there, which holds for as long as the lane's lock is held."""
    return DeploymentHistory.objects.filter(pk=history_id, dropped_at__isnull=True).exists()


def kept_images(*, target_ids: Collection[UUID]) -> tuple[KeptImages, ...]:
    """Return what is needed to restore every kept entry of these targets, by target and project."""
    rows = DeploymentHistory.objects.filter(target_id__in=target_ids, dropped_at__isnull=True)
    images: dict[tuple[UUID, UUID, str], set[str]] = defaultdict(set)
    made_by: dict[tuple[UUID, UUID, str], list[UUID]] = defaultdict(list)
    columns = (
        "target_id",
        "project_id",
        "deployment_snapshot__config__stackName",
        "deployment_snapshot__images",
        "deployment_id",
    )
    for target_id, project_id, stack_name, of_service, deployment_id in rows.order_by("number").values_list(*columns):
        key = (target_id, project_id, stack_name)
        images[key].update(filter(None, of_service.values()))
        made_by[key].append(deployment_id)
    return tuple(
        KeptImages(
            target_id=key[0],
            project_id=key[1],
            stack_name=key[2],
            image_ids=tuple(sorted(images[key])),
            deployment_ids=tuple(made_by[key]),
        )
        for key in sorted(images)
    )


def kept_digests(*, project_id: UUID) -> frozenset[str]:
    """Return every image that a kept entry of the project needs, wherever it ran."""
    kept = DeploymentHistory.objects.filter(project_id=project_id, dropped_at__isnull=True)
    rows = kept.values_list("deployment_snapshot__images", flat=True)
    return frozenset(image for images in rows for image in (images or {}).values() if image)


def services_with_images(*, project_id: UUID, limit: int) -> frozenset[str]:
    """Return the names of all services that the newest entries of the project had, also those that are not kept."""
    newest = DeploymentHistory.objects.filter(project_id=project_id).order_by("-created_at")
    rows = newest.values_list("deployment_snapshot__images", flat=True)[:limit]
    return frozenset(name for images in rows for name in images or {})
