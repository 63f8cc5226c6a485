"""What agents see of the containers on their hosts; frozen values that know no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

# States of tasks of a Swarm that no container has: on a node that does not answer, and without a place.
LOST, WAITING = "lost", "waiting"
# Among what is shown of a container: `HOST->CONTAINER` of ports that Docker chose. Nothing that was set up.
GIVEN_PORTS = "givenPorts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSeen:
    """A container of ours as Docker describes it. Times by the engine's clock in epoch milliseconds, 0 for never.

    `restarts_itself`: Docker starts it again when it ends by itself. `settings`: by aspect (env, command, mounts,
    networks, ports, limits, labels, restart) a hash under a key that stays on the host, and which key that is ("key").
    `shown`: those that hold no secret, in words. `memory_kill_at_ms`: when it was killed for lack of memory last.

    Of a task of a Swarm: `host` is the name of its node, `error` why it waits or failed, in Swarm's words.
    """

    id: str
    name: str
    stack_name: str
    project_id: UUID | None
    deployment_id: str
    node_id: str
    service_name: str
    image_id: str
    state: str
    health: str
    exit_code: int = 0
    oom_killed: bool = False
    restarts: int = 0
    started_at_ms: int = 0
    finished_at_ms: int = 0
    restarts_itself: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    memory_kill_at_ms: int = 0
    host: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostObserved:
    """All containers of ours on an agent's host, as they were when it looked last in this session."""

    agent_id: UUID
    session_id: UUID
    containers: tuple[ContainerSeen, ...]
