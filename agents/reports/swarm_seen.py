"""What an agent tells of the Swarm that its engine is in; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from agents.reports.observation import ContainerSeen
from agents.swarm import NodeFacts, SwarmFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmTold:
    """The engine's own Swarm, as its agent saw it last in this session. `nodes`: None unless it is a manager that can
    read them.
    """

    agent_id: UUID
    session_id: UUID
    facts: SwarmFacts
    nodes: tuple[NodeFacts, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksTold:
    """The tasks of our services in a Swarm, as a manager's agent saw them last in this session.

    `left_out`: how many there are beyond these.
    """

    agent_id: UUID
    session_id: UUID
    swarm_id: str
    tasks: tuple[ContainerSeen, ...]
    left_out: int = 0
