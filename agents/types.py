"""Frozen values that cross the layers of `agents`; they mirror contracts/runner.proto and know no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from agents.command_types import (
    AgentCommand,
    BuildCommand,
    CheckReachCommand,
    CheckRegistryCommand,
    DeleteVolumeCommand,
    DeployCommand,
    Endpoint,
    EndpointReached,
    JobSpec,
    RegistryLogin,
    RevertCommand,
    ServiceSpec,
    SwarmCommand,
)
from agents.condition import AgentCondition
from agents.contracts.version import MINIMUM_PROTOCOL
from agents.pki.records import AgentCertificateData
from agents.states import CommandKind, CommandOutcome, CommandStage, CommandStatus, Presence
from agents.swarm import SwarmFacts

__all__ = [
    "AgentCommand",
    "BuildCommand",
    "CheckReachCommand",
    "CheckRegistryCommand",
    "DeleteVolumeCommand",
    "DeployCommand",
    "Endpoint",
    "JobSpec",
    "RegistryLogin",
    "RevertCommand",
    "ServiceSpec",
    "SwarmCommand",
]

NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandData:
    """One row of the ledger: a command, where it goes and how far it got."""

    id: UUID
    agent_id: UUID
    lane: str
    number: int
    deployment_id: UUID
    project_id: UUID
    kind: CommandKind
    command: AgentCommand
    status: CommandStatus
    attempts: int
    queued_at: datetime
    last_report_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReached:
    stage: CommandStage
    percent: int
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceObserved:
    """A service as Docker describes it, in the words of runner.proto; the last three in a proof alone."""

    node_id: str
    service_name: str
    state: str
    health: str = "none"
    image: str = ""
    image_digest: str = ""
    container_ids: tuple[str, ...] = ()
    replicas: int = 0
    healthy_replicas: int = 0
    error_message: str = ""
    image_volumes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    started: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWritten:
    """Output of build, apply, health, agent or service; `service_name` is empty when it belongs to none."""

    service_name: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreStarted:
    """The deployment failed and the agent has begun to put back what ran before it."""

    reason: str
    message: str = ""
    failed_service: str = ""
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFinished:
    """The last report of a command; "refused" is the gateway's. `touched`: a failure may have touched containers."""

    outcome: CommandOutcome
    reason: str = ""
    message: str = ""
    failed_service: str = ""
    log_tail: tuple[str, ...] = ()
    services: tuple[ServiceObserved, ...] = ()
    previous_stack_running: bool = False
    volumes_left: tuple[str, ...] = ()
    touched: bool = False
    swarm_id: str = ""
    swarm_node_id: str = ""
    endpoints: tuple[EndpointReached, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """What a newer agent says and this version does not know: its number counts, and nothing follows from it."""

    what: str


ReportBody: TypeAlias = StageReached | ServiceObserved | LogWritten | RestoreStarted | CommandFinished | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Numbered from 1 per command without a gap; `agent_id` was proven by the agent's credential."""

    command_id: UUID
    deployment_id: UUID
    agent_id: UUID
    number: int
    at: datetime
    body: ReportBody


class Verdict(StrEnum):
    """FRESH: apply it. REPEAT: it is stored already. GAP: an earlier one is missing, apply nothing."""

    FRESH = "fresh"
    REPEAT = "repeat"
    GAP = "gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVerdict:
    """`last_number` is the highest stored number after this report; answer it to the agent in every case.

    `closed` tells that the command had ended before this report came: store nothing that changes a decision.
    """

    verdict: Verdict
    last_number: int
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHealth:
    """What an agent says of its machine; memory and disk in bytes, cpu in per cent. `engine_id` names its Docker."""

    cpu_usage: float = 0.0
    memory_usage: int = 0
    disk_usage: int = 0
    active_containers: int = 0
    last_heartbeat: int = 0
    engine_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Something was heard of an agent; `session_id` is None for calls outside a session.

    `missing_images` is None unless the agent has just taken stock, `condition` unless it has just told it.
    """

    session_id: UUID | None = None
    health: AgentHealth | None = None
    missing_images: tuple[str, ...] | None = None
    condition: AgentCondition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInfo:
    """What an agent says of itself when it registers; `server_info` keeps the wire's names."""

    version: str = ""
    os: str = ""
    architecture: str = ""
    server_info: Mapping[str, Any] = field(default_factory=lambda: NO_DETAILS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentData:
    """An agent as other layers see it; `presence` was computed with the database's clock.

    What it did not tell: None. `clock_skew_ms`: how far ahead it was. `certified`: its credential is not enough.
    """

    id: UUID
    server_id: UUID
    owner_id: UUID
    info: AgentInfo
    health: AgentHealth
    presence: Presence
    last_seen_at: datetime | None
    condition: AgentCondition | None = None
    condition_at: datetime | None = None
    session_id: UUID | None = None
    protocol: int = 1
    clock_skew_ms: int | None = None
    swarm: SwarmFacts | None = None
    swarm_at: datetime | None = None
    certified: bool = False
    build: str = ""

    @property
    def too_old(self) -> bool:
        """Tell whether it is given no new work; one that has not connected yet has not said what it speaks."""
        return self.last_seen_at is not None and self.protocol < MINIMUM_PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerData:
    """A server of our own tables; `agent_id` is None until one enrolled. `drained_at`: no new deployment since."""

    id: UUID
    owner_id: UUID
    name: str
    host: str
    port: int
    username: str
    cluster_id: UUID | None
    presence: Presence
    agent_id: UUID | None
    privileged_allowed: bool = False
    labels: tuple[str, ...] = ()
    drained_at: datetime | None = None
    agent_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterData:
    """A cluster; `swarm_id` is None until it was formed or adopted, `builder_id` where a manager builds for it."""

    id: UUID
    owner_id: UUID
    name: str
    servers_count: int
    swarm_id: str | None = None
    builder_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentTokenData:
    """What is known of an enrolment token; not itself. `may_replace`: also in place of a connected agent."""

    id: UUID
    server_id: UUID
    owner_id: UUID
    created_at: datetime
    expires_at: datetime
    may_replace: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A one-time enrolment token in clear: show it once, never store or log it."""

    token: str = field(repr=False)
    server_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Answer to a registration; `credential` is in clear and is handed out only this once."""

    agent_id: UUID
    server_id: UUID
    credential: str = field(repr=False)
    certificate: AgentCertificateData | None = None
