"""Data that crosses layers. Frozen and pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from deployments.scopes import Scope
from deployments.states import ACTIVE, Kind, Reason, Result, Stage, Status, result_of


class Right(StrEnum):
    """What a door may ask the access module for; each is a verb that a refusal can say."""

    SEE = "see"
    DEPLOY = "deploy"
    CHANGE = "change"
    APPROVE = "approve"
    MANAGE = "manage"


class TargetKind(StrEnum):
    """Where a stack can run."""

    SERVER = "server"
    CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, after the door has checked the identity. The session token is secret: it goes to peers alone."""

    user_id: UUID
    name: str
    sees_everything: bool = False
    session_token: str = field(default="", repr=False)
    scope: Scope = Scope.ALL


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server or a cluster."""

    kind: TargetKind
    id: UUID


@dataclass(frozen=True, kw_only=True)
class DeployRequest:
    """What is asked for: the project's newest graph and code on a target. Values of `env_vars` are secret.

    With the `approval` of a plan, it is refused when anything that the plan was made of has changed since.
    `description` says why, for whoever looks later.
    """

    project_id: UUID
    target: Target
    env_vars: Mapping[str, str] = field(default_factory=dict, repr=False)
    force_redeploy: bool = False
    request_id: str = ""
    approval: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class ProjectRecord:
    """A project as use cases see it. Times in seconds."""

    id: UUID
    owner_id: UUID
    name: str
    slug: str
    concurrency: str
    restore_on_failure: bool
    health_deadline: int
    health_window: int
    retention: int
    automatic_repair: bool = False
    repairs_per_hour: int = 3
    soak_minutes: int = 0
    encrypt_networks: bool = False
    deletion: str = ""


@dataclass(frozen=True, kw_only=True)
class Member:
    """Someone besides the owner who may see a project, or also deploy it."""

    user_id: UUID
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class GraphRecord:
    """One stored version of a project's graph, without secret values.

    `warnings`: what it says that means nothing, told to whom just stored it.
    """

    id: int
    project_id: UUID
    version: int
    graph: Mapping[str, Any]
    created_at: datetime
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CodeRecord:
    """The code a node is built from at its next deployment. Size in bytes."""

    node_id: str
    digest: str
    size: int
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """One service of a deployment as last reported. `deployed_at` is the moment it was first seen running."""

    node_id: str
    name: str
    state: str = "waiting"
    health: str = "none"
    image: str = ""
    image_digest: str = ""
    container_ids: tuple[str, ...] = ()
    replicas: int = 1
    healthy_replicas: int = 0
    error_message: str = ""
    deployed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DeploymentRecord:
    """A deployment as every door shows it. Holds the names of its variables, never their values.

    `version`: of a success, its name in the history of its target; `description`: why it was asked for, by who did; of
    a restart, `restarted_service`, and in `moves` its services and the node of the cluster that they go to.
    """

    id: UUID
    project_id: UUID
    project_name: str
    project_owner_id: UUID
    owner_id: UUID
    requested_by: str
    kind: Kind
    target: Target
    status: Status
    stage: Stage
    progress: int
    reason: Reason
    message: str
    failed_service: str
    log_tail: tuple[str, ...]
    services: tuple[ServiceState, ...]
    env_names: tuple[str, ...]
    config: Mapping[str, Any]
    version: str
    description: str
    restarted_service: str
    graph_version: int
    graph: Mapping[str, Any]
    code: Mapping[str, str]
    force_redeploy: bool
    request_id: str
    approval: str
    replicas: Mapping[str, int]
    restores: UUID | None
    rollback_of: UUID | None
    rolled_back_by: UUID | None
    former_status: str
    attempts: int
    base_number: int | None
    last_sequence: int
    cancel_requested_at: datetime | None
    cancel_requested_by: str
    cancel_confirmed_at: datetime | None
    deadline_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    renews: tuple[str, ...] = ()
    cause: Mapping[str, Any] = field(default_factory=dict)
    moves: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moved(self) -> dict[str, str]:
        """Return by service the id of the node of the cluster to which it moves."""
        return {name: str(self.moves["nodeId"]) for name in self.moves.get("services", ())}

    @property
    def lane(self) -> str:
        """The unit of "one at a time": one project on one target."""
        return lane_of(project_id=self.project_id, target_id=self.target.id)

    @property
    def result(self) -> Result:
        """The word for people."""
        undone, cancelling = self.rolled_back_by is not None, self.cancel_requested_at is not None
        return result_of(status=self.status, reason=self.reason, undone=undone, cancelling=cancelling)

    @property
    def holds_lane(self) -> bool:
        """Whether it works on its target itself; one that a rollback undoes is at rest."""
        return self.status in ACTIVE and self.rolled_back_by is None


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """A success as lists show it. `why_not` says why it cannot be restored now; empty when it can."""

    id: UUID
    deployment_id: UUID
    project_id: UUID
    target: Target
    number: int
    version: str
    kind: Kind
    graph_version: int
    rolled_back: bool
    created_at: datetime
    requested_by: str
    images: Mapping[str, str]
    env_names: tuple[str, ...]
    key_version: str
    dropped: bool = False
    restorable: bool = True
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A service that has ports of a target."""

    project_name: str
    owner_id: UUID
    service: str
    ports: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that brings a success back. Values are sealed for `deployment_id`, the deployment that made it.

    `images` maps service to image id. `config` is as deployments.config was then.
    """

    history_id: UUID
    deployment_id: UUID
    graph_version_id: int
    code: Mapping[str, str]
    config: Mapping[str, Any]
    images: Mapping[str, str]
    replicas: Mapping[str, int]
    sealed_variables: str = field(repr=False)
    env_vars: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class KeptImages:
    """What the kept successes of one project need on one target's hosts: image ids, and whose files."""

    target_id: UUID
    project_id: UUID
    stack_name: str
    image_ids: tuple[str, ...]
    deployment_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class EventRecord:
    """One stored event; `sequence` rises by one per deployment without a gap."""

    id: UUID
    deployment_id: UUID
    project_id: UUID
    sequence: int
    type: str
    payload: Mapping[str, Any]
    created_at: datetime


def lane_of(*, project_id: UUID, target_id: UUID) -> str:
    """Return the text form of a lane, also the agent's unit of serial work."""
    return f"{project_id}@{target_id}"
