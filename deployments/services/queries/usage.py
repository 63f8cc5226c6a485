"""What a project's containers, or a machine, used: by parts of time that are as long as the time asked for allows."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from agents.services import directory
from deployments.data.usage_types import Usage, UsageSeries
from deployments.errors import Invalid
from deployments.repositories import clock
from deployments.repositories.observation import samples
from deployments.repositories.observation.samples import Point
from deployments.repositories.paging import deployment_lists
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.types import Caller, Right

# As long as minutes are kept.
MAX_HOURS = int(samples.MINUTES.keep / timedelta(hours=1))
WHOLE_HOURS = int(samples.SAMPLES.keep / timedelta(hours=1))
SAMPLE_SECONDS, MINUTE_SECONDS = 10, 60
MAX_POINTS_PER_SERIES = 360
MAX_POINTS = 20_000
MAX_MARKS = 20


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A deployment that ended, to be shown where the curves have that moment."""

    deployment_id: UUID
    at: datetime
    words: str


def project_usage(*, caller: Caller, project_id: UUID, hours: int) -> Usage:
    """Return what the project's containers used in the last `hours`. Raises NotFound for strangers, or Invalid."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    since, step, whole = _span(hours)
    points = samples.of_project(
        project_id=project_id, since=since, step_seconds=step, whole=whole, limit=MAX_POINTS + 1
    )
    return _usage(points, since=since, step=step)


def server_usage(*, caller: Caller, server_id: UUID, hours: int) -> Usage:
    """Return what a machine of the caller's used in the last `hours`. Raises NotFound, or Invalid."""
    machine_list.get_server(caller=caller, server_id=server_id)
    since, step, whole = _span(hours)
    points = samples.of_server(server_id=server_id, since=since, step_seconds=step, whole=whole, limit=MAX_POINTS + 1)
    return _usage(points, since=since, step=step)


def server_names(*, server_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return a name for each; one that was removed goes by its id."""
    known = directory.server_names(server_ids=server_ids)
    return {server_id: known.get(server_id, str(server_id)) for server_id in server_ids}


def deployments_ended(*, caller: Caller, project_id: UUID, since: datetime) -> tuple[Mark, ...]:
    """Return the newest MAX_MARKS deployments of the project that ended since then, oldest first. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    found = deployment_lists.current_of_project(project_id=project_id, recent=MAX_MARKS)
    return tuple(
        Mark(deployment_id=each.id, at=each.completed_at, words=f"{each.kind} {each.status}")
        for each in reversed(found)
        if each.completed_at is not None and each.completed_at >= since
    )


def step_seconds_for(*, hours: int) -> int:
    """Return the step, a multiple of what is stored, of which at most MAX_POINTS_PER_SERIES cover the time."""
    unit = SAMPLE_SECONDS if hours <= WHOLE_HOURS else MINUTE_SECONDS
    return unit * math.ceil(hours * 3600 / MAX_POINTS_PER_SERIES / unit)


def _span(hours: int) -> tuple[datetime, int, bool]:
    if not 1 <= hours <= MAX_HOURS:
        raise Invalid("So much is not kept.", details={"hours": f"between 1 and {MAX_HOURS}"})
    return clock.now() - timedelta(hours=hours), step_seconds_for(hours=hours), hours <= WHOLE_HOURS


def _usage(points: Sequence[Point], *, since: datetime, step: int) -> Usage:
    def of(point: Point) -> tuple[str, UUID, str, str]:
        return point.container, point.server_id, point.node_id, point.service

    told = sorted(points[:MAX_POINTS], key=lambda point: (*of(point), point.at))
    series = tuple(
        UsageSeries(
            container=container,
            server_id=server_id,
            node_id=node_id,
            service=service,
            points=tuple(found),
        )
        for (container, server_id, node_id, service), found in groupby(told, key=of)
    )
    return Usage(since=since, step_seconds=step, complete=len(points) <= MAX_POINTS, series=series)
