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
    """Milliseconds since 1970, 0 for none: how times travel on the wire."""
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
    """A transition happened. Without reason and message all four (service and log tail too) stay as they were.

    `also`: what else changed with it, deadlineAt or rolledBackBy.
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
    """Someone asked to cancel; whatever the agent does, it is over at `deadline_at`."""
    payload = {"requestedBy": by, "deadlineAt": epoch_ms(deadline_at)}
    return NewEvent(type=EventType.CANCEL_REQUESTED, payload=payload)


def revert_confirmed(*, message: str) -> NewEvent:
    """The agent has answered the order to stop and to go back; `message` replaces the deployment's."""
    return NewEvent(type=EventType.REVERT_CONFIRMED, payload={"message": message})


def waiting_changed(*, message: str) -> NewEvent:
    """A pending deployment waits for something else than its turn, `message` says for what; empty: no longer."""
    return NewEvent(type=EventType.WAITING_CHANGED, payload={"message": message})


def stage_reached(*, stage: Stage, percent: int, message: str) -> NewEvent:
    """The work moved on."""
    return NewEvent(type=EventType.STAGE_REACHED, payload={"stage": stage, "percent": percent, "message": message})


def service_payload(state: ServiceState) -> dict[str, Any]:
    """One service as events and snapshots show it."""
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
    """The agent saw a service in another state."""
    return NewEvent(type=EventType.SERVICE_CHANGED, payload=service_payload(state))


def log_written(*, service: str, source: str, text: str) -> NewEvent:
    """Output of a build, of applying the stack, or of a service; masked by the agent before it left the server."""
    return NewEvent(type=EventType.LOG_WRITTEN, payload={"serviceName": service, "source": source, "text": text})
