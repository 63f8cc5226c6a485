"""Data that crosses layers. Frozen and pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from deployments.states import Reason, Stage, Status

T = TypeVar("T")


class Right(StrEnum):
    """What a door may ask the access module for."""

    SEE = "see"
    DEPLOY = "deploy"
    CHANGE = "change"


class TargetKind(StrEnum):
    """Where a stack can run."""

    SERVER = "server"
    CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, after the door has checked the identity."""

    user_id: UUID
    name: str
    sees_everything: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server or a cluster."""

    kind: TargetKind
    id: UUID


@dataclass(frozen=True, kw_only=True)
class DeployRequest:
    """A wish to deploy the project's newest graph and code to a target. Values of `env_vars` are secret."""

    project_id: UUID
    target: Target
    env_vars: Mapping[str, str] = field(default_factory=dict, repr=False)
    force_redeploy: bool = False
    request_id: str = ""


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


@dataclass(frozen=True, kw_only=True)
class GraphRecord:
    """One stored version of a project's graph, without secret values."""

    id: int
    project_id: UUID
    version: int
    graph: Mapping[str, Any]


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
    """A deployment as every door shows it. Holds the names of its variables, never their values."""

    id: UUID
    project_id: UUID
    project_name: str
    owner_id: UUID
    requested_by: str
    kind: str
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
    graph_version: int
    graph: Mapping[str, Any]
    code: Mapping[str, str]
    force_redeploy: bool
    request_id: str
    attempts: int
    last_sequence: int
    cancel_requested_at: datetime | None
    cancel_requested_by: str
    deadline_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def lane(self) -> str:
        """The unit of "one at a time": one project on one target."""
        return lane_of(project_id=self.project_id, target=self.target)


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


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, newest first."""

    items: tuple[T, ...]
    page: int
    limit: int
    total: int

    @property
    def total_pages(self) -> int:
        return -(-self.total // self.limit)


def lane_of(*, project_id: UUID, target: Target) -> str:
    """Text form of a lane, also the agent's unit of serial work."""
    return f"{project_id}@{target.id}"
