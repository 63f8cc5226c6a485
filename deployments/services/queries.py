"""Reads for every door, with the access rule applied here."""

from __future__ import annotations

from uuid import UUID

from deployments.repositories import events, lists
from deployments.services import access
from deployments.states import Status
from deployments.types import Caller, DeploymentRecord, EventRecord, Page, Position, Right

MAX_LIMIT = 100


def get_deployment(*, caller: Caller, deployment_id: UUID) -> DeploymentRecord:
    """Raises NotFound, also for strangers."""
    return access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.SEE)


def list_deployments(
    *,
    caller: Caller,
    project_id: UUID | None = None,
    status: Status | None = None,
    page: int = 1,
    limit: int = 10,
    after: Position | None = None,
    oldest_first: bool = False,
) -> Page[DeploymentRecord]:
    """Newest first; page from 1, limit clamped to 1..100; with `after` what follows there, and the page is not used.

    NotFound for a project that is not the caller's to see.
    """
    if project_id is not None:
        access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    selection = lists.selection_of(caller=caller, project_id=project_id, status=status)
    limit = min(MAX_LIMIT, max(1, limit))
    if after is not None:
        return lists.page_after(selection=selection, after=after, limit=limit, oldest_first=oldest_first)
    return lists.page_of(selection=selection, page=max(1, page), limit=limit, oldest_first=oldest_first)


def events_after(*, caller: Caller, deployment_id: UUID, sequence: int, limit: int = 500) -> tuple[EventRecord, ...]:
    """The deployment's events above `sequence`, in order. Raises NotFound."""
    access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.SEE)
    return events.after(deployment_id=deployment_id, sequence=sequence, limit=limit)
