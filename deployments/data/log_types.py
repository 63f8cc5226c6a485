"""Reading what the containers of a project write: what is asked for, where it comes from, what is answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from agents.reports.log_lines import LogRequest


@dataclass(frozen=True, kw_only=True)
class LogQuery:
    """All services where none is named, all servers of the project where none is. Times in epoch ms, 0 for no bound."""

    project_id: UUID
    server_id: UUID | None = None
    services: tuple[str, ...] = ()
    since_ms: int = 0
    until_ms: int = 0
    tail: int = 200
    follow: bool = False
    search: str = ""


@dataclass(frozen=True, kw_only=True)
class LogSource:
    """A server on which the project runs, or ran, and its agent."""

    server_id: UUID
    server_name: str
    agent_id: UUID
    lane: str


@dataclass(frozen=True, kw_only=True)
class OpenedLogs:
    """A request that agents were asked to answer. `remarks`: what will be missing in the answer, and why."""

    request: LogRequest
    sources: tuple[LogSource, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ShownLine:
    """A line as people get it: masked; `at_ns` in nanoseconds since 1970 by the clock of its server."""

    at_ns: int
    server: str
    service: str
    container: str
    text: str
    is_error_stream: bool


@dataclass(frozen=True, kw_only=True)
class LogPart:
    """Some lines, by time. `left_out`: so many came too fast before them; `caught_up`: the past ends with these."""

    lines: tuple[ShownLine, ...] = ()
    left_out: int = 0
    remarks: tuple[str, ...] = ()
    caught_up: bool = False
