"""Incidents as data: what can be wrong with a stack, and what is known of one that is. Frozen and pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Cause(StrEnum):
    """What an incident is about; at most one is open per stack and cause."""

    GONE = "gone"
    RESTARTING = "restarting"
    DEGRADED = "degraded"
    AGENT_SILENT = "agent_silent"
    DEPLOYMENT_FAILED = "deployment_failed"
    DRIFT = "drift"
    DISK_NEARLY_FULL = "disk_nearly_full"
    UNRESTORABLE = "unrestorable"
    CERTIFICATE_ENDS = "certificate_ends"


class Severity(StrEnum):
    """CRITICAL: people who use the stack may notice. WARNING: they do not yet."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A cause that holds now, since `since_ms` by the control plane's clock."""

    cause: Cause
    severity: Severity
    since_ms: int
    message: str
    services: tuple[str, ...] = ()
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OpenIncident:
    """What the rules need of an incident that is open; `quiet_ms`: since when its cause is not seen, 0 while it is."""

    cause: Cause
    severity: Severity
    message: str
    services: tuple[str, ...] = ()
    quiet_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class IncidentRecord:
    """An incident as the doors show it. `containers` as they were seen, with the moments that Docker knows.

    `quiet_since`: since when its cause is not seen any more, which is to last before it is over.
    """

    id: UUID
    project_id: UUID
    project_name: str
    server_id: UUID
    cause: str
    severity: str
    message: str
    services: tuple[str, ...]
    containers: tuple[Mapping[str, Any], ...]
    log_tail: tuple[str, ...]
    deployment_id: UUID | None
    since_ms: int
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    muted_until: datetime | None
    quiet_since: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
