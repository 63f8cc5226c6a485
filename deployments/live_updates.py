"""Wake open sockets when something was stored.

The channel layer only wakes. It may lose or repeat messages: sequences tell, and the database has what is missing.
"""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from deployments.event_types import EventType
from deployments.types import EventRecord
from deployments.wire import event_shape

# Beyond this a message only wakes, and the socket reads the database: Redis is no place for large messages.
MAX_MESSAGE_BYTES = 128 * 1024
# Deployments whose events came last.
MAX_REMEMBERED = 10_000


def deployment_group(deployment_id: UUID) -> str:
    return f"deployment.{deployment_id}"


def project_group(project_id: UUID) -> str:
    return f"project.{project_id}"


def server_group(server_id: UUID) -> str:
    return f"server.{server_id}"


def access_group(project_id: UUID) -> str:
    """Return the group of all sockets, of whatever kind, whose right is one to this project."""
    return f"access.{project_id}"


@dataclass
class _Told:
    """Of one deployment: up to where its events have come by, and up to where its project's sockets were told."""

    reached: int
    told: int


@dataclass
class Pusher:
    """Wakes sockets, and remembers how far, so that log lines, which a project is not told, are no gap to it.

    Of one process, which sends each deployment's events in order. What it does not remember sockets read themselves.
    """

    _deployments: OrderedDict[UUID, _Told] = field(default_factory=OrderedDict)

    def push(self, events: Sequence[EventRecord]) -> None:
        """Wake every socket that follows these events' deployments and projects. Raises what the layer raises."""
        spans = {deployment_id: self._span(records) for deployment_id, records in _by_deployment(events).items()}
        async_to_sync(_send)(messages_of(events, spans=spans))
        # Not before: what was not sent comes again.
        for deployment_id, records in _by_deployment(events).items():
            self._remember(deployment_id, records, first=spans[deployment_id][0])

    def _span(self, records: Sequence[EventRecord]) -> tuple[int, int]:
        """Return from where to where a message with these events has all that the project is told; (0, 0) for none."""
        sequences = [record.sequence for record in records]
        first, last = sequences[0], sequences[-1]
        if sequences != list(range(first, last + 1)):
            return 0, 0
        known = self._deployments.get(records[0].deployment_id)
        return (known.told + 1 if known and known.reached == first - 1 else first), last

    def _remember(self, deployment_id: UUID, records: Sequence[EventRecord], *, first: int) -> None:
        self._deployments.pop(deployment_id, None)
        if not first:
            return
        last = records[-1].sequence
        tells = any(record.type != EventType.LOG_WRITTEN for record in records)
        self._deployments[deployment_id] = _Told(reached=last, told=last if tells else first - 1)
        if len(self._deployments) > MAX_REMEMBERED:
            self._deployments.popitem(last=False)


def push(events: Sequence[EventRecord]) -> None:
    """Wake as a Pusher does that remembers nothing."""
    Pusher().push(events)


def wake_projects(project_ids: Iterable[UUID]) -> None:
    """Wake the sockets that follow these projects: another state of a stack is seen. Lost while Redis is away."""
    with suppress(RedisError):
        async_to_sync(_send)([(project_group(project_id), _message([], spans={})) for project_id in project_ids])


def access_changed(project_id: UUID) -> None:
    """Have all sockets of the project ask anew what they may see. Lost while Redis is away: their own looks remain."""
    with suppress(RedisError):
        async_to_sync(_send)([(access_group(project_id), {"type": "access"})])


def wake_server(server_id: UUID) -> None:
    """Wake the sockets that follow what is done on this server. Lost while Redis is away."""
    with suppress(RedisError):
        async_to_sync(_send)([(server_group(server_id), {"type": "wake"})])


def messages_of(
    events: Iterable[EventRecord], *, spans: Mapping[UUID, tuple[int, int]] = MappingProxyType({})
) -> list[tuple[str, dict[str, Any]]]:
    """Return group and message for each deployment's events, in order. A project's group gets all but log lines.

    `spans`: per deployment, from which sequence to which the events have all that its project is told.
    """
    groups: dict[str, list[EventRecord]] = defaultdict(list)
    for event in events:
        groups[deployment_group(event.deployment_id)].append(event)
        if event.type != EventType.LOG_WRITTEN:
            groups[project_group(event.project_id)].append(event)
    return [(group, _message(records, spans=spans)) for group, records in groups.items()]


def _by_deployment(events: Iterable[EventRecord]) -> dict[UUID, list[EventRecord]]:
    found: dict[UUID, list[EventRecord]] = defaultdict(list)
    for event in events:
        found[event.deployment_id].append(event)
    return found


def _message(records: list[EventRecord], *, spans: Mapping[UUID, tuple[int, int]]) -> dict[str, Any]:
    shapes = [event_shape(record) for record in records]
    ids = {record.deployment_id for record in records}
    known = {str(each): list(spans[each]) for each in ids if spans.get(each, (0, 0))[0]}
    if len(json.dumps(shapes)) > MAX_MESSAGE_BYTES:
        shapes, known = [], {}
    deployments = sorted(map(str, ids))
    # With an id of its own: what sockets of a process read because of it they read once.
    return {"type": "wake", "id": uuid4().hex, "deployments": deployments, "events": shapes, "spans": known}


async def _send(messages: list[tuple[str, dict[str, Any]]]) -> None:
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS names one"
    for group, message in messages:
        # By its group's name a process knows whose it is, of all that it reads by one connection.
        await layer.group_send(group, {**message, "group": group})
