"""Wishes that projects go: the only code that changes their state, and the project's word for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from deployments.data.end_types import DeletionState, ProjectDeletionRecord
from deployments.models import (
    DeploymentHistory,
    NodeCode,
    Project,
    ProjectDeletion,
    ProjectInvitation,
    ProjectSecret,
    ProjectVariable,
)
from deployments.repositories.ends import deletions
from deployments.repositories.upkeep import kept
from deployments.types import Caller, ProjectRecord

MAX_NAME = 75


def begin(*, project: ProjectRecord, delete_volumes: bool, caller: Caller) -> None:
    """Store the wish, or take up again one that is stuck. Inside a transaction that holds the whole project."""
    first, facts = {"name": project.name}, {"delete_volumes": delete_volumes}
    deletions.begin(ProjectDeletion, key=project.id, first=first, facts=facts, caller=caller)
    Project.objects.filter(pk=project.id).update(deletion=DeletionState.DELETING)


def cancel(*, project_id: UUID) -> None:
    """Take the wish back as if it had never been. Inside a transaction that holds the whole project."""
    deletions.cancel(ProjectDeletion, key=project_id)
    Project.objects.filter(pk=project_id, deletion=DeletionState.DELETING).update(deletion="")


def find(*, project_id: UUID) -> ProjectDeletionRecord | None:
    row = ProjectDeletion.objects.filter(pk=project_id).first()
    return _record(row) if row else None


def at_work(*, limit: int) -> tuple[UUID, ...]:
    """Return the projects whose deletion goes on by itself, the oldest first."""
    return deletions.at_work(ProjectDeletion, limit=limit)


def note(*, project_id: UUID, state: DeletionState, message: str) -> bool:
    """Store what a deletion at work waits for, or why it is stuck; False when it says so already or has ended."""
    return deletions.note(ProjectDeletion, key=project_id, state=state, message=message)


def kept_targets(*, project_id: UUID) -> tuple[UUID, ...]:
    """Return the targets on which history keeps something of the project."""
    rows = DeploymentHistory.objects.filter(project_id=project_id, dropped_at__isnull=True).order_by()
    return tuple(rows.values_list("target_id", flat=True).distinct())


def finish(*, project: ProjectRecord, at: datetime) -> None:
    """Take away what a project needs to be deployed, free its name, and say that it is gone; its history stays.

    Inside a transaction that holds the whole project.
    """
    ids = DeploymentHistory.objects.filter(project_id=project.id, dropped_at__isnull=True).values_list("pk", flat=True)
    kept.drop(history_ids=list(ids), at=at)
    for rows in (ProjectSecret, ProjectVariable, NodeCode, ProjectInvitation):
        rows.objects.filter(project=project.id).delete()
    # With a piece of the id: another of this name may have gone before.
    name = f"{project.name[:MAX_NAME]} (deleted, {project.id.hex[:6]})"
    Project.objects.filter(pk=project.id).update(name=name, deletion=DeletionState.DELETED)
    deletions.finish(ProjectDeletion, key=project.id)


def _record(row: ProjectDeletion) -> ProjectDeletionRecord:
    return ProjectDeletionRecord(
        project_id=row.project_id,
        name=row.name,
        delete_volumes=row.delete_volumes,
        state=DeletionState(row.state),
        attempt=row.attempt,
        message=row.message,
        requested_by_id=row.requested_by_id,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
    )
