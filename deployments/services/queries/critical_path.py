"""What a success took its time for, from its stored events: the chain of services that nothing could shorten. Pure.

Times are those at which events were stored, in milliseconds. The agent reports each change as it sees it, so a segment
is off by the way of one report at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from deployments.event_types import EventType
from deployments.states import Stage, Status

STARTED = frozenset({"starting", "running"})
SOUND = frozenset({"healthy", "none"})


class Wait(StrEnum):
    """What a segment waited for; the first and the last are our own."""

    ACCEPTED = "accepted"
    IMAGES = "images"
    PLANNED = "planned"
    CREATED = "created"
    ANSWERED = "answered"
    HEALTHY = "healthy"
    WATCHED = "watched"
    STORED = "stored"


OURS = frozenset({Wait.ACCEPTED, Wait.PLANNED, Wait.STORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the path, in milliseconds. `service`: whose it is; empty for the whole stack. `ours`: nobody else's."""

    wait: str
    ms: int
    ours: bool
    service: str = ""


@dataclass(slots=True, kw_only=True)
class _Times:
    """When things were seen first, and services last became sound."""

    begun: int
    ended: int = 0
    built_from: int = 0
    built_to: int = 0
    applied: int = 0
    started: dict[str, int] = field(default_factory=dict)
    sound: dict[str, int] = field(default_factory=dict)


def critical_path(
    events: Sequence[Mapping[str, Any]], *, needs: Mapping[str, Sequence[str]], window_ms: int
) -> tuple[Segment, ...]:
    """Return the segments in order, together as long as it took from the request to the stored success.

    Empty for what did not succeed, and where the first events are not there any more. `window_ms`: for how long each
    container had to run in any case.
    """
    times = _times_of(events)
    if not times or not times.ended or not times.applied:
        return ()
    path = [
        *_before(times),
        *(_started(times, needs=needs, window_ms=window_ms) if times.started else ()),
    ]
    known = sum(segment.ms for segment in path)
    return (*path, _segment(Wait.STORED, times.ended - times.begun - known))


def as_json(path: Iterable[Segment]) -> list[dict[str, Any]]:
    return [asdict(segment) for segment in path]


def _times_of(events: Sequence[Mapping[str, Any]]) -> _Times | None:
    if not events or events[0]["type"] != EventType.REQUESTED:
        return None
    times = _Times(begun=events[0]["createdAt"])
    for event in events:
        at, said = event["createdAt"], event["payload"]
        if event["type"] == EventType.SERVICE_CHANGED:
            _note_service(times, said, at)
        elif event["type"] == EventType.STAGE_REACHED and said["stage"] == Stage.DEPLOYING:
            times.applied = times.applied or at
        elif event["type"] == EventType.STATUS_CHANGED and said["to"] == Status.SUCCESS:
            times.ended = times.ended or at
    return times


def _note_service(times: _Times, said: Mapping[str, Any], at: int) -> None:
    name, state = said["serviceName"], said["state"]
    if state == "building":
        times.built_from = times.built_from or at
    elif state == "built":
        times.built_to = at
    elif state in STARTED and times.applied and not times.ended:
        sound = state == "running" and said["health"] in SOUND
        # Sound when it is first seen: it was left as it is, or has nothing to be asked by.
        if not sound or said["health"] == "none":
            times.started.setdefault(name, at)
        if sound and name in times.started:
            times.sound[name] = at


def _before(times: _Times) -> Iterable[Segment]:
    """Yield what comes before the first container is touched."""
    if times.built_to and times.built_from < times.applied:
        built_to = min(times.built_to, times.applied)
        yield _segment(Wait.ACCEPTED, times.built_from - times.begun)
        yield _segment(Wait.IMAGES, built_to - times.built_from)
        yield _segment(Wait.PLANNED, times.applied - built_to)
    else:
        yield _segment(Wait.ACCEPTED, times.applied - times.begun)


def _started(times: _Times, *, needs: Mapping[str, Sequence[str]], window_ms: int) -> Iterable[Segment]:
    chain = _chain(times, needs)
    yield _segment(Wait.CREATED, times.started[chain[0]] - times.applied, service=chain[0])
    for name, after in pairwise(chain):
        yield _segment(Wait.ANSWERED, times.started[after] - times.started[name], service=name)
    last = chain[-1]
    sound = max(times.sound.get(last, 0), times.started[last])
    yield _segment(Wait.HEALTHY, sound - times.started[last], service=last)
    watched = min(times.ended, times.started[last] + window_ms)
    if watched > sound:
        yield _segment(Wait.WATCHED, watched - sound)


def _chain(times: _Times, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the services that led to the one that was sound last, each after the last one that it needed."""
    chain = [max(times.started, key=lambda name: (times.sound.get(name, 0), times.started[name]))]
    while True:
        first = times.started[chain[0]]
        before = [each for each in needs.get(chain[0], ()) if times.started.get(each, first) < first]
        if not before:
            return chain
        chain.insert(0, max(before, key=lambda name: times.started[name]))


def _segment(wait: Wait, ms: int, *, service: str = "") -> Segment:
    return Segment(wait=wait.value, ms=max(0, ms), ours=wait in OURS, service=service)
