"""Changes of clusters and what is known of their nodes; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from agents.swarm import NodeFacts


class ChangeKind(StrEnum):
    """FORM: the first server makes the swarm. The last seven are about one node, or about all of the swarm."""

    FORM = "form"
    ADOPT = "adopt"
    JOIN = "join"
    LEAVE = "leave"
    DRAIN = "drain"
    ACTIVATE = "activate"
    PROMOTE = "promote"
    DEMOTE = "demote"
    REMOVE = "remove"
    ROTATE = "rotate"


NODE_ACTIONS = (
    ChangeKind.DRAIN,
    ChangeKind.ACTIVATE,
    ChangeKind.PROMOTE,
    ChangeKind.DEMOTE,
    ChangeKind.LEAVE,
    ChangeKind.REMOVE,
)


class ChangeState(StrEnum):
    """WAITING for its turn, then WORKING, then DONE, REFUSED (it was not done), or UNKNOWN until a late word."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


OPEN_STATES = (ChangeState.WAITING, ChangeState.WORKING)


class Step(StrEnum):
    """What is done one after the other. The first four by the server's own agent, CONFIRM by nobody: a manager's word
    is waited for; the others by a manager's agent.
    """

    INIT = "init"
    JOIN = "join"
    LEAVE = "leave"
    END = "end"
    CONFIRM = "confirm"
    TOKEN = "token"  # noqa: S105 - a name
    DEMOTE = "demote"
    UPDATE = "update"
    REMOVE = "remove"
    ROTATE = "rotate"


OWN_STEPS = frozenset({Step.INIT, Step.JOIN, Step.LEAVE, Step.END})
STEPS: dict[ChangeKind, tuple[Step, ...]] = {
    ChangeKind.FORM: (Step.INIT,),
    ChangeKind.JOIN: (Step.TOKEN, Step.JOIN, Step.CONFIRM),
    ChangeKind.LEAVE: (Step.LEAVE, Step.REMOVE),
    ChangeKind.DRAIN: (Step.UPDATE,),
    ChangeKind.ACTIVATE: (Step.UPDATE,),
    ChangeKind.PROMOTE: (Step.UPDATE,),
    ChangeKind.DEMOTE: (Step.DEMOTE,),
    ChangeKind.REMOVE: (Step.REMOVE,),
    ChangeKind.ROTATE: (Step.ROTATE,),
}


@dataclass(frozen=True, kw_only=True)
class Member:
    """A server that is to be a node. `address`: where the others reach it; empty lets Docker choose."""

    server_id: UUID
    manager: bool = False
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class NewChange:
    """A change that somebody asks for."""

    id: UUID
    kind: ChangeKind
    steps: tuple[Step, ...]
    server_id: UUID | None = None
    server_name: str = ""
    node_id: str = ""
    node_name: str = ""
    role: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """A change of a cluster that somebody asked for, and what became of it. `step`: which of `steps` it is at."""

    id: UUID
    cluster_id: UUID
    kind: ChangeKind
    state: ChangeState
    steps: tuple[Step, ...]
    step: int
    sent: bool
    server_id: UUID | None
    server_name: str
    node_id: str
    node_name: str
    role: str
    address: str
    message: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None

    @property
    def current(self) -> Step:
        return self.steps[min(self.step, len(self.steps) - 1)]

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass(frozen=True, kw_only=True)
class NodeLine:
    """A node for people; `server_id` where one of the cluster's servers is it. `connected`: its agent is there.

    `volumes`: names of volumes of ours that live there, as far as its agent told.
    """

    facts: NodeFacts
    server_id: UUID | None
    server_name: str
    connected: bool
    volumes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ClusterView:
    """A cluster for people. `trouble`: why nothing can be known or changed now; empty when it can.

    `may_fail`: how many managers may be lost yet with a quorum left. `outside`: servers of the cluster that are no node
    of its swarm, each with the reason. `told_at`: when the nodes were told; None when they never were.
    """

    id: UUID
    owner_id: UUID
    name: str
    swarm_id: str | None
    builder_id: UUID | None
    nodes: tuple[NodeLine, ...]
    nodes_count: int
    managers: int
    may_fail: int
    trouble: str
    told_at: datetime | None
    outside: tuple[str, ...]
    changes: tuple[ChangeRecord, ...]
