"""Which Docker Swarm an engine is in and as what, and which nodes it has; frozen and pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any
from uuid import UUID


class SwarmRole(StrEnum):
    """UNKNOWN: the engine is between states, or says that something is wrong with its swarm."""

    NONE = "none"
    WORKER = "worker"
    MANAGER = "manager"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmFacts:
    """What an engine says of its own Swarm. `state` and `error` are its words.

    `swarm_id` is empty for workers, which do not know it. `control_available`: a manager with a quorum, which can read
    and change the swarm. `manager_addresses` carry their ports. `nodes_count`: of all nodes, also those beyond
    what is told.
    """

    role: SwarmRole
    state: str = ""
    swarm_id: str = ""
    node_id: str = ""
    leader: bool = False
    control_available: bool = False
    node_address: str = ""
    manager_addresses: tuple[str, ...] = ()
    error: str = ""
    nodes_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node of a Swarm as a manager knows it; empty words where it does not tell."""

    id: str
    hostname: str = ""
    role: str = ""
    leader: bool = False
    reachability: str = ""
    availability: str = ""
    state: str = ""
    message: str = ""
    address: str = ""
    engine_version: str = ""
    os: str = ""
    architecture: str = ""
    cpus: float = 0.0
    memory_bytes: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_manager(self) -> bool:
        return self.role == SwarmRole.MANAGER

    @property
    def is_ready(self) -> bool:
        return self.state == "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerAgent:
    """An active agent whose engine told to be a manager of a cluster's swarm. `connected`: heard of lately.

    `control_available`: a quorum was there when it told last. `leader`: this node led then.
    """

    agent_id: UUID
    server_id: UUID
    server_name: str
    node_id: str
    connected: bool
    control_available: bool
    leader: bool
    protocol: int


def facts_of(stored: Mapping[str, Any]) -> SwarmFacts:
    """Read a stored row. What only another version stored is left alone; what it did not takes its default."""
    known = {each.name for each in fields(SwarmFacts)} & stored.keys()
    facts = {name: stored[name] for name in known}
    role = facts.pop("role", SwarmRole.UNKNOWN)
    facts["manager_addresses"] = tuple(facts.get("manager_addresses", ()))
    return SwarmFacts(role=SwarmRole(role) if role in set(SwarmRole) else SwarmRole.UNKNOWN, **facts)


def node_of(stored: Mapping[str, Any]) -> NodeFacts:
    """Read one stored node, as above."""
    known = {each.name for each in fields(NodeFacts)} & stored.keys()
    return NodeFacts(**{name: stored[name] for name in known})
