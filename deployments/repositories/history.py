"""What succeeded, kept so that it can be brought back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from deployments.models import DeploymentHistory


def record(
    *, deployment_id: UUID, project_id: UUID, target_id: UUID, snapshot: Mapping[str, Any], at: datetime
) -> None:
    """Store a success under the lane's next number. Inside a transaction that holds the lane's lock."""
    lane = DeploymentHistory.objects.filter(project_id=project_id, target_id=target_id)
    number = (lane.aggregate(highest=Max("number"))["highest"] or 0) + 1
    DeploymentHistory.objects.create(
        deployment_id=deployment_id,
        project_id=project_id,
        target_id=target_id,
        number=number,
        version=f"v{number}",
        deployment_snapshot=dict(snapshot),
        created_at=at,
    )
