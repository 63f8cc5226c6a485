"""Reads for every door, with the access rule applied here."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from deployments.data.list_types import DeploymentFilter, DeploymentStamp, Page, PageRequest, Position
from deployments.repositories import events
from deployments.repositories.paging import deployment_lists
from deployments.repositories.paging.pages import ANYTHING
from deployments.services.permissions import access
from deployments.types import Caller, DeploymentRecord, EventRecord, Right


def get_deployment(*, caller: Caller, deployment_id: UUID) -> DeploymentRecord:
    """Return the deployment. Raises NotFound, also for strangers."""
    return access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.SEE)


def deployment_stamp(*, caller: Caller, deployment_id: UUID) -> DeploymentStamp:
    """Return which state of the deployment `get_deployment` would show. Raises NotFound, also for strangers."""
    return access.stamp_to_see(caller=caller, deployment_id=deployment_id)


def list_deployments(
    *,
    caller: Caller,
    project_id: UUID | None = None,
    matching: DeploymentFilter = ANYTHING,
    page: int = 1,
    limit: int = 10,
    after: Position | None = None,
    oldest_first: bool = False,
) -> Page[DeploymentRecord]:
    """Return a page, newest first; with `after` what follows there, and `page` is not used.

    Raises NotFound for a project that is not the caller's to see.
    """
    if project_id is not None:
        access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    selection = deployment_lists.selection_of(caller=caller, project_id=project_id, matching=matching)
    wanted = PageRequest(page=page, limit=limit)
    if after is not None:
        return deployment_lists.page_after(
            selection=selection, after=after, limit=wanted.limit, oldest_first=oldest_first
        )
    return deployment_lists.page_of(
        selection=selection, page=wanted.page, limit=wanted.limit, oldest_first=oldest_first
    )


@dataclass(frozen=True, kw_only=True)
class EventsPage:
    """Some events in order; `next` is what to read on after, 0 where nothing more is stored.

    `forgotten`: housekeeping has taken some before the last of them, or all that there were.
    """

    events: tuple[EventRecord, ...]
    next: int
    forgotten: bool


def events_page(*, caller: Caller, deployment_id: UUID, sequence: int, limit: int) -> EventsPage:
    """Return the deployment's events above `sequence`, in order, bounded in number and bytes. Raises NotFound."""
    # Read before the events, so that `next` is never 0 while something waits.
    deployment = access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.SEE)
    following = events.after(deployment_id=deployment_id, sequence=sequence, limit=limit)
    last = following[-1].sequence if following else deployment.last_sequence
    return EventsPage(
        events=following,
        next=last if last < deployment.last_sequence else 0,
        forgotten=len(following) < last - sequence,
    )


def has_all_events(*, deployment_id: UUID, after: int, last: int) -> bool:
    """Return whether every event above `after` and up to `last` is still there. The caller may see the deployment."""
    return events.count_between(deployment_id=deployment_id, after=after, last=last) == max(0, last - after)


def events_after(*, caller: Caller, deployment_id: UUID, sequence: int, limit: int = 500) -> tuple[EventRecord, ...]:
    """Return the deployment's events above `sequence`, in order, bounded in bytes too: ask until there are none.

    Raises NotFound.
    """
    access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.SEE)
    return events.after(deployment_id=deployment_id, sequence=sequence, limit=limit)
