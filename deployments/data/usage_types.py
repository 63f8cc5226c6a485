"""What machines and containers used over a time, as curves are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePoint:
    """Used within a step of time that begins at `at`: per cent of one processor, bytes, bytes per second.

    Means of processor and traffic, the most of memory and disk; 0 as a limit for none of its own.
    """

    at: datetime
    cpu_percent: float
    memory_bytes: int
    memory_limit_bytes: int
    received: float
    sent: float
    read: float
    written: float
    disk_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSeries:
    """Of one container, or of the machine where `container` is empty; points by time, none where nothing came."""

    server_id: UUID
    node_id: str
    service: str
    container: str
    points: tuple[UsagePoint, ...]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """`complete`: nothing was left out because there was too much of it."""

    since: datetime
    step_seconds: int
    complete: bool
    series: tuple[UsageSeries, ...]
