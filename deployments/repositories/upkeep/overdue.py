"""What the reconciler looks for. Every query reads a partial index."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from agents import gateway
from deployments.models import Deployment
from deployments.states import ACTIVE, Status

# Of a round; the others have theirs with a later one, when some of these are back or have given up.
MAX_SERVERS = 10_000


def claim_for_job(*, at: datetime, next_attempt_at: datetime, limit: int) -> tuple[UUID, ...]:
    """Claim pending deployments that are due for a job and first in a free lane, until the given time; return them."""
    holder = Deployment.objects.filter(
        project_id=OuterRef("project_id"),
        target_id=OuterRef("target_id"),
        status__in=sorted(ACTIVE),
        rolled_back_by__isnull=True,
    )
    earlier = Deployment.objects.filter(
        project_id=OuterRef("project_id"),
        target_id=OuterRef("target_id"),
        status=Status.PENDING,
        created_at__lt=OuterRef("created_at"),
    )
    due = Deployment.objects.filter(~Exists(holder), ~Exists(earlier), status=Status.PENDING, next_attempt_at__lte=at)
    with transaction.atomic():
        locked = due.select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("next_attempt_at")
        ids = tuple(locked.values_list("pk", flat=True)[:limit])
        Deployment.objects.filter(pk__in=ids).update(next_attempt_at=next_attempt_at)
    return ids


def hurry_returned(*, at: datetime) -> int:
    """Make due what waited for an agent that is back; return how much that was."""
    waiting = Deployment.objects.filter(status=Status.PENDING, awaits_agent=True, next_attempt_at__gt=at)
    servers = waiting.values_list("server_id", flat=True).distinct()[:MAX_SERVERS]
    back = gateway.servers_online(server_ids=[each for each in servers if each is not None])
    return waiting.filter(server_id__in=back).update(next_attempt_at=at) if back else 0


def pending_since(*, before: datetime, but_not: Collection[UUID] = (), limit: int) -> tuple[UUID, ...]:
    return _ids(Deployment.objects.filter(status=Status.PENDING, created_at__lt=before), but_not, limit)


def active_past(*, at: datetime, but_not: Collection[UUID] = (), limit: int) -> tuple[UUID, ...]:
    return _ids(_working().filter(deadline_at__lte=at), but_not, limit)


def with_lost_agent(*, at: datetime, lost_after: int, but_not: Collection[UUID] = (), limit: int) -> tuple[UUID, ...]:
    """Return active deployments whose agent was last heard of before the limit, and that started before it, too."""
    silence = timedelta(seconds=lost_after)
    unheard = gateway.deployments_unheard_for(silence=silence)
    return _ids(_working().filter(pk__in=unheard, started_at__lt=at - silence), but_not, limit)


def on_clusters_unheard_for(*, silence: timedelta, limit: int) -> tuple[UUID, ...]:
    """Return deployments on clusters with an open command whose agent was not heard for this long."""
    unheard = gateway.deployments_unheard_for(silence=silence)
    return _ids(Deployment.objects.filter(pk__in=unheard, cluster_id__isnull=False), (), limit) if unheard else ()


def _working() -> QuerySet[Deployment]:
    """Return active deployments but those that a rollback undoes: then the rollback has the deadline."""
    return Deployment.objects.filter(status__in=sorted(ACTIVE), rolled_back_by__isnull=True)


def _ids(rows: QuerySet[Deployment], but_not: Collection[UUID], limit: int) -> tuple[UUID, ...]:
    """Return the oldest of these, without those that are left for later."""
    # Those would take the places of others.
    if but_not:
        rows = rows.exclude(pk__in=list(but_not))
    return tuple(rows.order_by("created_at").values_list("pk", flat=True)[:limit])
