"""What kept history needs on the agents' hosts, and what a host lacks of it; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStack:
    """What kept history entries of one stack need on the host; `in_cluster`: on any node of the host's cluster."""

    stack_name: str
    project_id: UUID
    image_ids: tuple[str, ...]
    deployment_ids: tuple[UUID, ...]
    in_cluster: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """All that kept history entries of one agent's targets need; `number` names the content."""

    stacks: tuple[KeptStack, ...] = ()

    @property
    def number(self) -> int:
        return int.from_bytes(sha256(repr(self.stacks).encode()).digest()[:7])


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInventory:
    """What an agent's host lacked of what history needs, when the agent last looked, by the database's clock."""

    missing_image_ids: frozenset[str]
    checked_at: datetime
