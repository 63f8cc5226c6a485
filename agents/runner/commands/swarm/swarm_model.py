"""A stack in a Swarm as frozen values: what is wanted, and what a manager says of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.runner.planning.model import WantedService

# What `docker stack deploy` puts on everything it makes.
NAMESPACE = "com.docker.stack.namespace"
# On every service: the command that changed or kept it last. A lower one changes nothing any more.
LABEL_NUMBER = "axion.number"
# On every service that was handed over once more by one command, which makes Swarm begin its update anew.
LABEL_AGAIN = "axion.again"
# On what the agents keep in the Swarm itself, so that any of them can go on.
LABEL_RECORD = "axion.record"
LABEL_STACK = "axion.stack"

RUNNING = "running"
PENDING = "pending"
READY = "ready"
# On its node, and never up there yet.
NOT_UP_YET = frozenset({"assigned", "accepted", "preparing", "ready", "starting"})
REJECTED = "rejected"
FAILED = frozenset({"failed", REJECTED, "orphaned"})
ENDED = FAILED | {"complete"}
PAUSED = frozenset({"paused", "rollback_paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmService:
    """`name` is the stack's own word for it, `full_name` Swarm's. `owner`: the deployment by whose file its tasks run.

    `image` is the reference that every task has. `number`: see LABEL_NUMBER; 0 for none.
    """

    id: str
    name: str
    full_name: str
    image: str
    project_id: str = ""
    lane: str = ""
    owner: str = ""
    content_hash: str = ""
    number: int = 0
    replicas: int = 0
    update_state: str = ""
    update_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmTask:
    """`wanted`: Swarm means it to run. `error` in Swarm's own words. `changed_at`: when its state changed, epoch s."""

    id: str
    service_id: str
    state: str
    wanted: bool
    image: str = ""
    owner: str = ""
    node_id: str = ""
    error: str = ""
    container_id: str = ""
    exit_code: int = 0
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmNode:
    """`is_heard`: false between a new leader's election and the node's first word to it."""

    id: str
    name: str
    is_ready: bool
    is_active: bool = True
    is_manager: bool = False
    is_heard: bool = True

    @property
    def is_lost(self) -> bool:
        return self.is_heard and not self.is_ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The stack as a manager told it in one look; `nodes` are those of the whole Swarm, by id."""

    services: tuple[SwarmService, ...]
    tasks: tuple[SwarmTask, ...]
    nodes: Mapping[str, SwarmNode]

    @property
    def is_heard(self) -> bool:
        """Tell whether the leader has heard from every node, or missed it."""
        return all(node.is_heard for node in self.nodes.values())

    def service(self, name: str) -> SwarmService | None:
        return next((each for each in self.services if each.name == name), None)

    def tasks_of(self, name: str) -> tuple[SwarmTask, ...]:
        ids = {each.id for each in self.services if each.name == name}
        return tuple(each for each in self.tasks if each.service_id in ids)

    def is_up(self, task: SwarmTask) -> bool:
        """Tell whether it runs on a node that answers: of one that is down Swarm goes on telling what it last heard."""
        node = self.nodes.get(task.node_id)
        return task.wanted and task.state == RUNNING and node is not None and node.is_ready

    def node_name(self, node_id: str) -> str:
        return self.nodes[node_id].name if node_id in self.nodes else node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StackTarget:
    """What shall run: the deployment by whose file each service runs, and the image reference that each has.

    `places`: by volume, the node that holds it; its service runs nowhere else.
    """

    services: tuple[WantedService, ...]
    owners: Mapping[str, str]
    images: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)


def digest_of(reference: str) -> str:
    """Return the sha256:... by which an image reference names exactly one image; empty for a mere name."""
    _, found, digest = reference.partition("sha256:")
    return f"sha256:{digest}" if found else ""
