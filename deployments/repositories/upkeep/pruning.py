"""Deleting what nothing needs any more, in batches; never what a lane runs nor what history keeps."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Now
from knox.models import AuthToken

from deployments.event_types import EventType
from deployments.models import CodeBundle, Deployment, DeploymentCount, DeploymentEvent, DeploymentHistory, GraphVersion
from deployments.repositories.events import Mark
from deployments.states import UNFINISHED

# Files and what belongs to them; what lists and the wire show besides is small and stays.
LARGE_PARTS = ("dockerComposeYml", "dockerfiles", "files", "services", "hashes")

_UNNAMED_BUNDLES = """
SELECT digest FROM code_bundles
WHERE created_at < %s
  AND digest NOT IN (SELECT bundle_id FROM node_codes)
  AND digest NOT IN (
    SELECT named.value FROM deployments, jsonb_each_text(deployments.code) AS named
    WHERE deployments.pruned_at IS NULL)
  AND digest NOT IN (
    SELECT named.value FROM deployment_history,
      jsonb_each_text(coalesce(deployment_history.deployment_snapshot->'code', '{}')) AS named
    WHERE deployment_history.dropped_at IS NULL)
ORDER BY created_at DESC OFFSET %s LIMIT %s FOR UPDATE SKIP LOCKED
"""


def beyond_number(*, number: int) -> tuple[tuple[UUID, datetime], ...]:
    """Return projects with more deployments than so many, each with the moment up to which they are too many."""
    totals = DeploymentCount.objects.values("project_id").annotate(total=Sum("change")).filter(total__gt=number)
    found = []
    for project_id in totals.values_list("project_id", flat=True):
        newest = Deployment.objects.filter(project_id=project_id).order_by("-created_at", "-id")
        cutoff = newest.values_list("created_at", flat=True)[number : number + 1].first()
        if cutoff is not None:
            found.append((project_id, cutoff))
    return tuple(found)


def ended(
    *,
    before: datetime,
    marker: str,
    but_not: Collection[UUID] = (),
    limit: int,
    among: tuple[UUID, datetime] | None = None,
) -> tuple[UUID, ...]:
    """Return deployments that ended before then, nothing needs, and on which this step was not done: oldest first.

    `marker` names the column that says when it was. Needed is what history keeps and each lane's last start. Without
    those that are left for later: they must not take the places of others. `among`: only those of a project that were
    asked for up to a moment.
    """
    kept = DeploymentHistory.objects.filter(deployment=OuterRef("pk"), dropped_at__isnull=True)
    later = Deployment.objects.filter(
        project_id=OuterRef("project_id"),
        target_id=OuterRef("target_id"),
        created_at__gt=OuterRef("created_at"),
        started_at__isnull=False,
    )
    last_start = Q(started_at__isnull=False) & ~Exists(later)
    rows = Deployment.objects.filter(completed_at__lt=before, **{f"{marker}__isnull": True})
    if among:
        rows = rows.filter(project_id=among[0], created_at__lte=among[1])
    if but_not:
        rows = rows.exclude(pk__in=list(but_not))
    found = rows.exclude(status__in=sorted(UNFINISHED)).exclude(last_start).filter(~Exists(kept))
    return tuple(found.order_by("completed_at").values_list("pk", flat=True)[:limit])


def mark(*, deployment_id: UUID, marker: str) -> None:
    """Note that the step is done."""
    Deployment.objects.filter(pk=deployment_id).update(**{marker: Now()})


def drop_events(*, deployment_id: UUID, logs_only: bool, streamed: bool, limit: int) -> tuple[int, bool]:
    """Delete up to `limit` events that went out; return how many, and whether none is left.

    `streamed`: an event must be out to Kafka, too.
    """
    rows = DeploymentEvent.objects.filter(deployment_id=deployment_id)
    if logs_only:
        rows = rows.filter(type=EventType.LOG_WRITTEN)
    out = rows.filter(published_at__isnull=False)
    if streamed:
        out = out.filter(streamed_at__isnull=False)
    positions = list(out.order_by("position").values_list("position", flat=True)[:limit])
    dropped, _ = DeploymentEvent.objects.filter(position__in=positions).delete()
    return dropped, not rows.exists()


def drop_files(*, deployment_id: UUID) -> None:
    """Take the generated files out of a deployment's configuration. Inside a transaction that holds the row."""
    row = Deployment.objects.only("config").get(pk=deployment_id)
    small = {name: value for name, value in row.config.items() if name not in LARGE_PARTS}
    Deployment.objects.filter(pk=deployment_id).update(config=small)


def is_in_history(*, deployment_id: UUID) -> bool:
    """Tell whether an entry of history can bring the deployment back."""
    return DeploymentHistory.objects.filter(deployment_id=deployment_id, dropped_at__isnull=True).exists()


def wipe_values(*, deployment_id: UUID) -> None:
    """Forget the values of a deployment; the names of its variables stay. Inside a transaction that holds the row."""
    row = Deployment.objects.only("env_vars").get(pk=deployment_id)
    Deployment.objects.filter(pk=deployment_id).update(
        sealed_variables="", sealed_session="", env_vars=dict.fromkeys(row.env_vars, "")
    )


def drop_graphs(*, before: datetime, limit: int) -> int:
    """Delete versions of graphs that no deployment names and that are not their project's newest."""
    newer = GraphVersion.objects.filter(project_id=OuterRef("project_id"), version__gt=OuterRef("version"))
    named = Deployment.objects.filter(graph_version=OuterRef("pk"))
    rows = GraphVersion.objects.filter(Exists(newer), ~Exists(named), created_at__lt=before)
    return _delete(GraphVersion.objects.all(), list(rows.order_by("pk").values_list("pk", flat=True)[:limit]))


def drop_bundles(*, before: datetime, limit: int, newest: int = 0) -> int:
    """Delete code that no node, no kept version and no deployment whose details are kept names. Inside a transaction.

    Of what was stored before then the `newest` so many stay.

    Reads all that name code: call it seldom. A bundle that is being assigned is passed over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNNAMED_BUNDLES, [before, newest, limit])
        digests = [row[0] for row in cursor.fetchall()]
    return _delete(CodeBundle.objects.all(), digests)


def drop_sessions(*, limit: int) -> int:
    """Delete sessions of the admin and API tokens that are over."""
    sessions = Session.objects.filter(expire_date__lt=Now()).values_list("pk", flat=True)[:limit]
    tokens = AuthToken.objects.filter(expiry__lt=Now()).values_list("pk", flat=True)[:limit]
    return _delete(Session.objects.all(), list(sessions)) + _delete(AuthToken.objects.all(), list(tokens))


def pass_over_for_kafka(*, limit: int, lock: int) -> int:
    """Mark the oldest events as settled for Kafka where nobody streams; return how many. Inside a transaction.

    Whoever streams holds `lock`: then this does nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        row = cursor.fetchone()
    if not (row and row[0]):
        return 0
    rows = DeploymentEvent.objects.filter(**{f"{Mark.KAFKA}__isnull": True}).order_by("position")
    positions = list(rows.values_list("position", flat=True)[:limit])
    return DeploymentEvent.objects.filter(position__in=positions).update(**{Mark.KAFKA.value: Now()})


def _delete(rows: QuerySet[Any, Any], keys: list[Any]) -> int:
    deleted, _ = rows.filter(pk__in=keys).delete()
    return deleted
