"""What somebody reads of the output of containers: the request, and the lines that answer it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """Lines of a lane's containers; of all services where none is named. Times in epoch milliseconds, 0 for no bound.

    `tail`: at most so many lines of the past, the newest; `search`: only lines in which this stands.
    """

    request_id: UUID
    project_id: UUID
    lane: str
    services: tuple[str, ...] = ()
    since_ms: int = 0
    until_ms: int = 0
    tail: int = 200
    follow: bool = False
    search: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLine:
    """A masked line; `at_ns` in nanoseconds since 1970, by the clock of the engine."""

    at_ns: int
    service: str
    container: str
    text: str
    is_error_stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBatch:
    """Lines in order. `left_out`: so many came too fast before them; `caught_up`: the past is told; `over`: all is."""

    lines: tuple[ContainerLine, ...] = ()
    left_out: int = 0
    caught_up: bool = False
    remarks: tuple[str, ...] = ()
    over: bool = False


class LogReader(StrEnum):
    """Whether the lines are still read: at once, once those before them are, or not any more."""

    READS = "reads"
    IS_BEHIND = "is_behind"
    HAS_GONE = "has_gone"
