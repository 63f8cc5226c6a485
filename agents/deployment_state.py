"""What the gateway answers about a deployment, in the wire's numbers; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedServiceState:
    """`status` is the wire's Status number; `deployed_at` in epoch milliseconds, 0 for never."""

    service_id: str
    service_name: str
    status: int
    replicas: int = 0
    healthy_replicas: int = 0
    error_message: str = ""
    deployed_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentState:
    """`status` and `stage` are the wire's DeploymentStatus and DeploymentStage numbers."""

    deployment_id: UUID
    status: int
    services: tuple[DeployedServiceState, ...] = ()
    stage: int = 0
    percent: int = 0
    error_message: str = ""
