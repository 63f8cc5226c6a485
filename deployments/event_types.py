"""Names and payloads of the events a deployment stores: history, outbox and live updates in one. Pure.

Payloads carry no secret and no value of a variable. Keys are camelCase because they leave on the wire as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from deployments.states import Reason, Stage, Status
from deployments.types import ServiceState


class EventType(StrEnum):
    """Past tense: what happened to the deployment."""

    REQUESTED = "deployment.requested"
    STATUS_CHANGED = "deployment.status_changed"
    STAGE_REACHED = "deployment.stage_reached"
    SERVICE_CHANGED = "deployment.service_changed"
    CANCEL_REQUESTED = "deployment.cancel_requested"
    REVERT_CONFIRMED = "deployment.revert_confirmed"
    JOB_RETRIED = "deployment.job_retried"
    WAITING_CHANGED = "deployment.waiting_changed"
    COMMAND_SENT = "deployment.command_sent"
    LOG_WRITTEN = "deployment.log_written"


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event on its way into the store, which gives it its sequence."""

    type: EventType
    payload: dict[str, Any] = field(default_factory=dict)


def epoch_ms(moment: datetime | None) -> int:
    """Return milliseconds since 1970, 0 for none: how times travel on the wire."""
    return 0 if moment is None else round(moment.timestamp() * 1000)


def status_changed(
    *,
    before: Status,
    after: Status,
    reason: Reason,
    message: str,
    failed_service: str,
    log_tail: tuple[str, ...] = (),
    also: Mapping[str, Any] | None = None,
) -> NewEvent:
    """Return the event of a transition. Without reason and message these, service and log tail stay as they were.

    `also`: what else changed with it, deadlineAt, rolledBackBy or version.
    """
    payload = {
        "from": before,
        "to": after,
        "reason": reason,
        "message": message,
        "failedService": failed_service,
        "logTail": list(log_tail),
        **(also or {}),
    }
    return NewEvent(type=EventType.STATUS_CHANGED, payload=payload)


def cancel_requested(*, by: str, deadline_at: datetime) -> NewEvent:
    """Return the event of a cancel; whatever the agent does, it is over at `deadline_at`."""
    payload = {"requestedBy": by, "deadlineAt": epoch_ms(deadline_at)}
    return NewEvent(type=EventType.CANCEL_REQUESTED, payload=payload)


def revert_confirmed(*, message: str) -> NewEvent:
    """Return the event of the agent's answer to a revert; `message` replaces the deployment's."""
    return NewEvent(type=EventType.REVERT_CONFIRMED, payload={"message": message})


def waiting_changed(*, message: str) -> NewEvent:
    """Return the event of a pending deployment that waits for what `message` says, not its turn; empty: no longer."""
    return NewEvent(type=EventType.WAITING_CHANGED, payload={"message": message})


def stage_reached(*, stage: Stage, percent: int, message: str) -> NewEvent:
    """Return the event of work that moved on."""
    return NewEvent(type=EventType.STAGE_REACHED, payload={"stage": stage, "percent": percent, "message": message})


def service_payload(state: ServiceState) -> dict[str, Any]:
    """Return one service as events and snapshots show it."""
    return {
        "nodeId": state.node_id,
        "serviceName": state.name,
        "state": state.state,
        "health": state.health,
        "image": state.image,
        "imageDigest": state.image_digest,
        "containerIds": list(state.container_ids),
        "replicas": state.replicas,
        "healthyReplicas": state.healthy_replicas,
        "errorMessage": state.error_message,
        "deployedAt": epoch_ms(state.deployed_at),
    }


def service_changed(state: ServiceState) -> NewEvent:
    """Return the event of a service that the agent saw in another state."""
    return NewEvent(type=EventType.SERVICE_CHANGED, payload=service_payload(state))


def log_written(*, service: str, source: str, text: str) -> NewEvent:
    """Return the event of output: of a build, of applying the stack, or of a service; the agent has masked it."""
    return NewEvent(type=EventType.LOG_WRITTEN, payload={"serviceName": service, "source": source, "text": text})
