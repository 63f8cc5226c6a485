"""What the product asked for by itself."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from deployments.models import Deployment
from deployments.states import Status

DRIFT = "drift"
SOAK = "soak"


def automatic_since(*, project_id: UUID, server_id: UUID, moment: datetime) -> int:
    """Return how many repairs the product asked for there since then, and since a person last succeeded there."""
    lane = Deployment.objects.filter(project_id=project_id, target_id=server_id)
    by_people = lane.filter(cause=None, status=Status.SUCCESS).order_by("-created_at")
    last = by_people.values_list("created_at", flat=True).first()
    since = max(moment, last) if last else moment
    return lane.filter(cause__kind=DRIFT, created_at__gte=since).count()
