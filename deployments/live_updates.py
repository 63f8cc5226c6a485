"""Wake open sockets when something was stored.

The channel layer only wakes. It may lose or repeat messages: sequences tell, and the database has what is missing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from deployments.event_types import EventType
from deployments.types import EventRecord
from deployments.wire import event_shape

# Beyond this a message only wakes, and the socket reads the database: Redis is no place for large messages.
MAX_MESSAGE_BYTES = 128 * 1024


def deployment_group(deployment_id: UUID) -> str:
    return f"deployment.{deployment_id}"


def project_group(project_id: UUID) -> str:
    return f"project.{project_id}"


def server_group(server_id: UUID) -> str:
    return f"server.{server_id}"


def push(events: Sequence[EventRecord]) -> None:
    """Wake every socket that follows these events' deployments and projects. Raises what the channel layer raises."""
    async_to_sync(_send)(messages_of(events))


def wake_projects(project_ids: Iterable[UUID]) -> None:
    """Wake the sockets that follow these projects: another state of a stack is seen. Lost while Redis is away."""
    message: dict[str, Any] = {"type": "wake", "deployments": [], "events": []}
    with suppress(RedisError):
        async_to_sync(_send)([(project_group(project_id), message) for project_id in project_ids])


def wake_server(server_id: UUID) -> None:
    """Wake the sockets that follow what is done on this server. Lost while Redis is away."""
    with suppress(RedisError):
        async_to_sync(_send)([(server_group(server_id), {"type": "wake"})])


def messages_of(events: Iterable[EventRecord]) -> list[tuple[str, dict[str, Any]]]:
    """Return group and message for each deployment's events, in order. A project's group gets all but log lines."""
    groups: dict[str, list[EventRecord]] = defaultdict(list)
    for event in events:
        groups[deployment_group(event.deployment_id)].append(event)
        if event.type != EventType.LOG_WRITTEN:
            groups[project_group(event.project_id)].append(event)
    return [(group, _message(records)) for group, records in groups.items()]


def _message(records: list[EventRecord]) -> dict[str, Any]:
    shapes = [event_shape(record) for record in records]
    if len(json.dumps(shapes)) > MAX_MESSAGE_BYTES:
        shapes = []
    return {"type": "wake", "deployments": sorted({str(r.deployment_id) for r in records}), "events": shapes}


async def _send(messages: list[tuple[str, dict[str, Any]]]) -> None:
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS names one"
    for group, message in messages:
        await layer.group_send(group, message)
