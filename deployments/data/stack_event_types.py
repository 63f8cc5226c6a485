"""Names and payloads of the events that a stack stores: what it is seen to do, and its incidents. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class StackEventType(StrEnum):
    """Past tense: what happened to the stack."""

    STATE_CHANGED = "stack.state_changed"
    INCIDENT_OPENED = "stack.incident_opened"
    INCIDENT_CLOSED = "stack.incident_closed"


@dataclass(frozen=True, kw_only=True)
class NewStackEvent:
    """An event on its way into the store, which gives it its sequence."""

    type: StackEventType
    payload: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class StackEventRecord:
    """A stored event of a stack; sequences rise by one per project and server, without a gap."""

    id: UUID
    project_id: UUID
    server_id: UUID
    sequence: int
    type: str
    payload: Mapping[str, Any]
    created_at: datetime
