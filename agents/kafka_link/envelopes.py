"""The platform's envelopes around what travels over the broker, and the names of topics. Pure.

Source: part 5 of the platform's wire contract. What a field is for and we do not know stays empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from agents.kafka_link.frames import BadFrameError, Frame, frame_of

COMMANDS = "runner.commands."
EVENTS = "runner.events."
EVERY_EVENTS_TOPIC = "^" + re.escape(EVENTS) + "[0-9a-f-]{36}$"
SIGNATURE = "axion-signature"

# What a command is called by what our message of the session holds.
COMMAND_TYPES = {"deploy": "Deploy", "revert": "Rollback", "delete_volume": "Stop"}
ASKING, CHECKING = "GetStatus", "HealthCheck"
# What an event is called by what the agent's message holds.
STARTED, PROGRESS, COMPLETED, FAILED = "DeployStarted", "DeployProgress", "DeployCompleted", "DeployFailed"
STATUS, METRICS, ERROR = "StatusReport", "MetricsReport", "ErrorReport"


def commands_topic(agent_id: UUID | str) -> str:
    return f"{COMMANDS}{agent_id}"


def events_topic(agent_id: UUID | str) -> str:
    return f"{EVENTS}{agent_id}"


def agent_of(topic: str) -> UUID | None:
    """Return whose topic of events or commands it is; None for any other."""
    for beginning in (EVENTS, COMMANDS):
        if topic.startswith(beginning):
            try:
                return UUID(topic.removeprefix(beginning))
            except ValueError:
                return None
    return None


def command_envelope(frame: Frame, *, whole: Frame | None = None, now: datetime | None = None) -> bytes:
    """Return what goes down; `whole` is the frame of which this one is a part."""
    message = (whole or frame).message or {}
    command = message.get("command", {})
    return _json(
        {
            "command_id": command.get("command_id") or str(uuid4()),
            "command_type": _command_type(frame, command),
            "payload": frame.payload(),
            "correlation_id": command.get("deployment_id") or frame.link,
            "timestamp": _timestamp(now),
            "metadata": {"user_id": "", "project_id": command.get("project_id", ""), "retry_attempt": 0},
        }
    )


def event_envelope(frame: Frame, *, agent_id: str, whole: Frame | None = None, now: datetime | None = None) -> bytes:
    """Return what goes up; `whole` is the frame of which this one is a part."""
    message = (whole or frame).message or {}
    about: Mapping[str, Any] = message.get("report") or message.get("acknowledged") or {}
    return _json(
        {
            "event_id": str(uuid4()),
            "event_type": _event_type(frame, message),
            "payload": frame.payload(),
            "correlation_id": about.get("deployment_id") or frame.link,
            "causation_id": about.get("command_id", ""),
            "timestamp": _timestamp(now),
            "agent_id": agent_id,
        }
    )


def frame_in(value: bytes | None) -> Frame:
    """Return the frame in an envelope of either direction. Raises BadFrameError."""
    try:
        envelope = json.loads(value or b"")
    except (ValueError, RecursionError) as error:
        raise BadFrameError("no JSON") from error
    if not isinstance(envelope, dict):
        raise BadFrameError("no envelope")
    return frame_of(envelope.get("payload"))


def _command_type(frame: Frame, command: Mapping[str, Any]) -> str:
    if not frame.call:
        return CHECKING
    kinds = [name for name in COMMAND_TYPES if name in command]
    if not kinds:
        return ASKING
    stops = kinds == ["deploy"] and not command["deploy"].get("services")
    return "Stop" if stops else COMMAND_TYPES[kinds[0]]


def _event_type(frame: Frame, message: Mapping[str, Any]) -> str:
    if frame.error:
        return ERROR
    if "heartbeat" in message or "samples" in message:
        return METRICS
    if message.get("acknowledged", {}).get("accepted"):
        return STARTED
    finished = message.get("report", {}).get("finished")
    if finished is None:
        return PROGRESS if "report" in message else STATUS
    return COMPLETED if finished.get("outcome") == "SUCCEEDED" else FAILED


def _timestamp(now: datetime | None) -> str:
    """Return the time as RFC 3339 has it."""
    return (now or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(envelope: Mapping[str, Any]) -> bytes:
    return json.dumps(envelope, separators=(",", ":")).encode()
