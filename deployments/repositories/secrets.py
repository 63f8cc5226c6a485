"""Sealed values that belong to a project."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from deployments.models import ProjectSecret


def sealed(*, project_id: UUID) -> dict[str, str]:
    """Return the project's sealed values by key."""
    return dict(ProjectSecret.objects.filter(project=project_id).values_list("key", "sealed"))


def replace(*, project_id: UUID, values: Mapping[str, str]) -> None:
    """Store sealed values by key over what was there."""
    ProjectSecret.objects.bulk_create(
        [ProjectSecret(project_id=project_id, key=key, sealed=value) for key, value in values.items()],
        update_conflicts=True,
        unique_fields=["project", "key"],
        update_fields=["sealed", "updated_at"],
    )


def add_missing(*, project_id: UUID, values: Mapping[str, str]) -> None:
    """Store sealed values for keys that have none; of two writers the first wins."""
    ProjectSecret.objects.bulk_create(
        [ProjectSecret(project_id=project_id, key=key, sealed=value) for key, value in values.items()],
        ignore_conflicts=True,
    )
