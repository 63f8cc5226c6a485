"""Volumes that are left, and what goes for good; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID


class VolumeDeletionState(StrEnum):
    """PENDING ends as DELETED, REFUSED (nothing was deleted) or UNKNOWN, which a late word of the agent settles."""

    PENDING = "pending"
    DELETED = "deleted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class DeletionState(StrEnum):
    """DELETING ends as DELETED, or is STUCK until somebody continues it."""

    DELETING = "deleting"
    STUCK = "stuck"
    DELETED = "deleted"


class VolumeState(StrEnum):
    """USED: a container has it. KEPT: nothing has it, and the project still names it. ORPHANED: neither."""

    USED = "used"
    KEPT = "kept"
    ORPHANED = "orphaned"


@dataclass(frozen=True, kw_only=True)
class HostVolume:
    """A volume as an agent told of it. Epoch milliseconds, 0 where unknown; bytes, None where unknown."""

    name: str
    project_id: UUID | None
    created_ms: int
    size_bytes: int | None
    used_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HostVolumesRow:
    """All that an agent told of its host last."""

    agent_id: UUID
    server_id: UUID
    session_id: UUID
    observed_at: datetime
    volumes: tuple[HostVolume, ...]


@dataclass(frozen=True, kw_only=True)
class VolumeLine:
    """A volume for people. `versions`: kept versions that name it and would begin without its data.

    `why_unknown`: why nobody can know whether this is still so; empty when it was just seen.
    """

    volume: HostVolume
    state: VolumeState
    server_id: UUID
    server_name: str
    project_id: UUID | None
    project_name: str
    versions: tuple[int, ...]
    seen_at: datetime
    why_unknown: str
    deleting: bool

    @property
    def created_at(self) -> datetime:
        """Return when it was made; the epoch where that is unknown."""
        return datetime.fromtimestamp(self.volume.created_ms / 1000, tz=UTC)


@dataclass(frozen=True, kw_only=True)
class VolumeDeletionRecord:
    """A person's wish that a volume goes, and what became of it."""

    id: UUID
    project_id: UUID
    project_name: str
    server_id: UUID
    server_name: str
    volume: str
    size_bytes: int | None
    state: VolumeDeletionState
    message: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ProjectDeletionRecord:
    """A person's wish that a project goes, and how far it got."""

    project_id: UUID
    name: str
    delete_volumes: bool
    state: DeletionState
    attempt: int
    message: str
    requested_by_id: UUID
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None


class MachineEnd(StrEnum):
    """How a server or cluster goes.

    FORGET: at once; whatever runs there runs on, unwatched. DRAIN: what runs on the server is stopped first, and the
    agent's program stays. UNINSTALL: the same, and the agent is removed by SSH. DISSOLVE: what runs on the cluster is
    stopped first, and its nodes leave the Swarm, which ends.
    """

    FORGET = "forget"
    DRAIN = "drain"
    UNINSTALL = "uninstall"
    DISSOLVE = "dissolve"


@dataclass(frozen=True, kw_only=True)
class MachineDeletionRecord:
    """A person's wish that a server or cluster goes, and how far it got. `kind`: server or cluster."""

    machine_id: UUID
    kind: str
    name: str
    owner_id: UUID
    end: MachineEnd
    state: DeletionState
    attempt: int
    message: str
    requested_by_id: UUID
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class EndOption:
    """One way for a machine to go: why it is not possible now (empty when it is), and what follows, in sentences."""

    end: MachineEnd
    why_not: str
    follows: tuple[str, ...]
