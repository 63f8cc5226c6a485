"""What an agent tells of the volumes on its host; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSeen:
    """A volume with our label. Bytes, None where Docker did not tell; epoch milliseconds by the engine's clock, 0 for
    unknown. `used_by`: names of some containers that have it, stopped ones too.
    """

    name: str
    project_id: UUID | None
    created_at_ms: int = 0
    size_bytes: int | None = None
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVolumes:
    """All volumes of ours on an agent's host, as it saw them last in this session."""

    agent_id: UUID
    session_id: UUID
    volumes: tuple[VolumeSeen, ...]
