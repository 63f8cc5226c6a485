"""What open sockets receive: group names, the waking of groups, and the shapes of the first messages.

The channel layer only wakes. It may lose or repeat messages: sequences tell, and the database has what is missing.
Statuses and stages are words here, as in the stored events, so that snapshot and events speak one language.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from deployments.events import EventType, epoch_ms, service_payload
from deployments.types import DeploymentRecord, EventRecord, ProjectRecord
from deployments.wire import event_shape

# Beyond this a message only wakes, and the socket reads the database: Redis is no place for large messages.
MAX_MESSAGE_BYTES = 128 * 1024


def deployment_group(deployment_id: UUID) -> str:
    return f"deployment.{deployment_id}"


def project_group(project_id: UUID) -> str:
    return f"project.{project_id}"


def push(events: Sequence[EventRecord]) -> None:
    """Wake every socket that follows these events' deployments and projects. Raises what the channel layer raises."""
    async_to_sync(_send)(messages_of(events))


def messages_of(events: Iterable[EventRecord]) -> list[tuple[str, dict[str, Any]]]:
    """Group and message for each deployment's events, in order. A project hears everything but log lines."""
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


def summary(deployment: DeploymentRecord, *, target_name: str = "") -> dict[str, Any]:
    """A deployment as lists and project pages show it. Events turn an old one into exactly a fresh one."""
    return {
        "id": str(deployment.id),
        "projectId": str(deployment.project_id),
        "projectName": deployment.project_name,
        "kind": deployment.kind,
        "requestedBy": deployment.requested_by,
        "target": {"kind": str(deployment.target.kind), "id": str(deployment.target.id), "name": target_name},
        "status": str(deployment.status),
        "stage": str(deployment.stage),
        "progress": deployment.progress,
        "reason": str(deployment.reason),
        "message": deployment.message,
        "failedService": deployment.failed_service,
        "logTail": list(deployment.log_tail),
        "services": [service_payload(service) for service in deployment.services],
        "attempts": deployment.attempts,
        "graphVersion": deployment.graph_version,
        "cancelRequestedAt": epoch_ms(deployment.cancel_requested_at),
        "cancelRequestedBy": deployment.cancel_requested_by,
        "cancelConfirmedAt": epoch_ms(deployment.cancel_confirmed_at),
        "rollbackOf": str(deployment.rollback_of or ""),
        "rolledBackBy": str(deployment.rolled_back_by or ""),
        "deadlineAt": epoch_ms(deployment.deadline_at),
        "startedAt": epoch_ms(deployment.started_at),
        "completedAt": epoch_ms(deployment.completed_at),
        "createdAt": epoch_ms(deployment.created_at),
        "sequence": deployment.last_sequence,
    }


def snapshot(deployment: DeploymentRecord, *, target_name: str = "") -> dict[str, Any]:
    """A deployment as its page shows it: the summary, its graph and the names of its variables."""
    return {
        **summary(deployment, target_name=target_name),
        "graph": deployment.graph,
        "envNames": list(deployment.env_names),
        "forceRedeploy": deployment.force_redeploy,
    }


def project_shape(project: ProjectRecord) -> dict[str, Any]:
    return {"id": str(project.id), "name": project.name, "slug": project.slug, "concurrency": project.concurrency}
