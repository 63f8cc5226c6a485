"""What a project's containers, or a machine, used: by parts of time that are as long as the time asked for allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from agents.services import directory
from agents.wording.sentences import sentence
from deployments.data.list_types import DeploymentFilter
from deployments.data.usage_types import Usage, UsageSeries
from deployments.errors import Invalid
from deployments.repositories import clock
from deployments.repositories.observation import memory_kills, samples
from deployments.repositories.observation.samples import Point
from deployments.repositories.paging import deployment_lists
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.services.queries import lookups
from deployments.states import KIND_LABELS, RESULT_LABELS
from deployments.types import Caller, DeploymentRecord, Right

# As long as minutes are kept.
MAX_HOURS = int(samples.MINUTES.keep / timedelta(hours=1))
WHOLE_HOURS = int(samples.SAMPLES.keep / timedelta(hours=1))
SAMPLE_SECONDS, MINUTE_SECONDS = 10, 60
MAX_POINTS_PER_SERIES = 360
MAX_POINTS = 20_000
MAX_MARKS = 20


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something to be shown where the curves have that moment: a deployment that ended, or, without one, a kill.

    `container` was killed for lack of memory.
    """

    deployment_id: UUID | None
    at: datetime
    words: str
    container: str = ""


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


def project_marks(*, caller: Caller, project_id: UUID, since: datetime) -> tuple[Mark, ...]:
    """Return what to mark of a project since then: the newest MAX_MARKS deployments and as many kills, oldest first.

    Raises NotFound.
    """
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    found = deployment_lists.current_of_project(project_id=project_id, recent=MAX_MARKS)
    kills = memory_kills.of_project(project_id=project_id, since=since, limit=MAX_MARKS)
    return _marks(found, kills, since=since)


def server_marks(*, caller: Caller, server_id: UUID, since: datetime) -> tuple[Mark, ...]:
    """Return the same of a server of the caller's: of deployments those that the caller may see. Raises NotFound."""
    machine_list.get_server(caller=caller, server_id=server_id)
    here = DeploymentFilter(target_id=server_id)
    found = lookups.list_deployments(caller=caller, matching=here, limit=MAX_MARKS).items
    kills = memory_kills.of_server(server_id=server_id, since=since, limit=MAX_MARKS)
    return _marks(found, kills, since=since)


def _words_of(deployment: DeploymentRecord) -> str:
    labels = {"kind": KIND_LABELS[deployment.kind], "result": RESULT_LABELS[deployment.result]}
    return sentence("{kind}: {result}", **labels)


def _marks(
    deployments: Iterable[DeploymentRecord], kills: Iterable[memory_kills.Kill], *, since: datetime
) -> tuple[Mark, ...]:
    ended = [
        Mark(deployment_id=each.id, at=each.completed_at, words=_words_of(each))
        for each in deployments
        if each.completed_at is not None and each.completed_at >= since
    ]
    killed = [
        Mark(
            deployment_id=None,
            at=each.at,
            words=sentence("{container} was killed for lack of memory", container=each.container),
            container=each.container,
        )
        for each in kills
    ]
    return tuple(sorted([*ended, *killed], key=lambda mark: mark.at))


def step_seconds_for(*, hours: int) -> int:
    """Return the step, a multiple of what is stored, of which at most MAX_POINTS_PER_SERIES cover the time."""
    unit = SAMPLE_SECONDS if hours <= WHOLE_HOURS else MINUTE_SECONDS
    return unit * math.ceil(hours * 3600 / MAX_POINTS_PER_SERIES / unit)


def _span(hours: int) -> tuple[datetime, int, bool]:
    if not 1 <= hours <= MAX_HOURS:
        raise Invalid(
            sentence("So much is not kept."),
            details={"hours": sentence("between 1 and {max_hours}", max_hours=MAX_HOURS)},
        )
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


# What a node of the graph has room for: an hour, a minute each.
SPARK_HOURS, SPARK_SECONDS = 1, 60


@dataclass(frozen=True, kw_only=True)
class Spark:
    """What all containers of a node on a server used in the last hour: (seconds since 1970, bytes or per cent).

    `memory_limit` is what they may use together, 0 where one of them has no limit of its own.
    """

    memory: tuple[tuple[float, float], ...]
    cpu: tuple[tuple[float, float], ...]
    memory_limit: int


def node_sparks(*, caller: Caller, project_id: UUID) -> tuple[datetime, dict[tuple[UUID, str], Spark]]:
    """Return since when, and by server and node what each used. Raises NotFound for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    since = clock.now() - timedelta(hours=SPARK_HOURS)
    points = samples.of_project(
        project_id=project_id, since=since, step_seconds=SPARK_SECONDS, whole=True, limit=MAX_POINTS
    )
    by_node: dict[tuple[UUID, str], list[Point]] = {}
    for point in points:
        by_node.setdefault((point.server_id, point.node_id), []).append(point)
    return since, {key: _spark(found) for key, found in by_node.items() if key[1]}


def _spark(points: Sequence[Point]) -> Spark:
    at: dict[float, list[Point]] = {}
    for point in sorted(points, key=lambda point: point.at):
        at.setdefault(point.at.timestamp(), []).append(point)
    newest = at[max(at)]
    limited = all(point.memory_limit_bytes for point in newest)
    return Spark(
        memory=_sums(at, lambda point: point.memory_bytes),
        cpu=_sums(at, lambda point: point.cpu_percent),
        memory_limit=sum(point.memory_limit_bytes for point in newest) if limited else 0,
    )


def _sums(at: Mapping[float, Sequence[Point]], value_of: Callable[[Point], float]) -> tuple[tuple[float, float], ...]:
    return tuple((moment, sum(map(value_of, points))) for moment, points in at.items())
