"""Checks of what lies elsewhere; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ReachState(StrEnum):
    """PENDING ends as DONE, REFUSED (nothing was tried) or UNKNOWN, which a late word of the agent settles."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class ReachLine:
    """One external node: where it was asked for, and what became of that; `outcome` is empty while nobody knows."""

    node_id: str
    name: str
    host: str
    port: int
    outcome: str = ""
    message: str = ""
    milliseconds: int = 0

    @property
    def reached(self) -> bool:
        """Return whether a connection was accepted."""
        return self.outcome == "reached"


@dataclass(frozen=True, kw_only=True)
class ReachRecord:
    """A person's wish to know whether a server reaches what lies elsewhere, and the answer."""

    id: UUID
    project_id: UUID
    server_id: UUID
    server_name: str
    lines: tuple[ReachLine, ...]
    state: ReachState
    message: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None
