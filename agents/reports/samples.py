"""What machines and containers use. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Of a container, or of the machine where that is empty. Per cent of one processor; bytes, and bytes per second."""

    container: str = ""
    project_id: UUID | None = None
    node_id: str = ""
    service: str = ""
    cpu_percent: float = 0.0
    memory_bytes: int = 0
    memory_limit_bytes: int = 0
    received: float = 0.0
    sent: float = 0.0
    read: float = 0.0
    written: float = 0.0
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSamples:
    """Of one agent's host, as they were `age_seconds` ago: an agent's own clock does not matter."""

    agent_id: UUID
    age_seconds: float
    samples: tuple[Sample, ...]
