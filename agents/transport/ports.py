"""What the gateway needs from outside: callables bound by the process's command, and plain figures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from agents.deployment_state import DeploymentState
from agents.hello import DoubtfulCommand
from agents.reports.job_runs import HostJobRuns
from agents.reports.log_lines import LogBatch, LogReader, LogRequest
from agents.reports.observation import HostObserved
from agents.reports.samples import HostSamples
from agents.reports.swarm_seen import SwarmTold, TasksTold
from agents.reports.update_rules import UpdateCheck
from agents.reports.volumes import HostVolumes
from agents.retention import Retention
from agents.types import RegistryLogin, Report


class EnrolmentWait(Protocol):
    """Count a try to enrol from this address; 0 when it may be made, else the seconds until the next one may."""

    def __call__(self, *, address: str) -> int: ...


class OnReport(Protocol):
    """Store and apply the report in one transaction; returns the command's highest stored number."""

    def __call__(self, *, report: Report) -> int: ...


class OnUsualReports(Protocol):
    """Store and apply stages, services and logs of one command, in one transaction; as OnReport of the last of them."""

    def __call__(self, *, reports: Sequence[Report]) -> int: ...


class OnObserved(Protocol):
    """Store what runs on the agent's host now; ignored when another session speaks for the agent."""

    def __call__(self, *, observed: HostObserved) -> None: ...


class OnVolumes(Protocol):
    """Store which volumes of ours the agent's host has; ignored when another session speaks for the agent."""

    def __call__(self, *, seen: HostVolumes) -> None: ...


class OnSwarm(Protocol):
    """Store which Swarm the agent's engine is in; ignored when another session speaks for the agent."""

    def __call__(self, *, told: SwarmTold) -> None: ...


class OnTasks(Protocol):
    """Store the tasks of the agent's Swarm; ignored when another manager, or another session, speaks for it."""

    def __call__(self, *, told: TasksTold) -> None: ...


class OnJobRuns(Protocol):
    """Store what became of runs of jobs on a schedule; ignored when another session speaks for the agent."""

    def __call__(self, *, told: HostJobRuns) -> None: ...


class RunsToStop(Protocol):
    """The runs on the hosts of these agents that somebody wants to end; agents without any are left out."""

    def __call__(self, *, agent_ids: Collection[UUID]) -> Mapping[UUID, Sequence[UUID]]: ...


class OnSamples(Protocol):
    """Store what machines and containers used, of many agents at once; each agent is believed about its own alone."""

    def __call__(self, *, hosts: Sequence[HostSamples]) -> None: ...


class LogRequestOf(Protocol):
    """What somebody wants to read of what containers write on the agent's host; None when nobody waits for it."""

    def __call__(self, *, request_id: UUID, agent_id: UUID) -> LogRequest | None: ...


class OnLogBatch(Protocol):
    """Hand these lines to who asked; how it goes on. A batch that is None only asks."""

    def __call__(self, *, request_id: UUID, agent_id: UUID, batch: LogBatch | None) -> LogReader: ...


class UnknownFate(Protocol):
    """End these deployments as ones of which nobody knows what became; nothing is reverted."""

    def __call__(self, *, doubtful: Collection[DoubtfulCommand]) -> None: ...


class SecretsOf(Protocol):
    """Values a deployment's compose file interpolates, bytes where they are sealed to the agent; an error with code
    NOT_FOUND when not this agent's.
    """

    def __call__(self, *, deployment_id: UUID, agent_id: UUID) -> Mapping[str, str] | bytes: ...


class RegistriesOf(Protocol):
    """Registries that images of the deployment come from, bytes where they are sealed to the agent, for one that opens
    them; an error with code NOT_FOUND when not this agent's.
    """

    def __call__(
        self, *, deployment_id: UUID, agent_id: UUID, opens_sealed: bool
    ) -> Sequence[RegistryLogin] | bytes: ...


class OnJoinToken(Protocol):
    """Keep, sealed, a token that this command asked for; an error with code NOT_FOUND when nobody did."""

    def __call__(self, *, command_id: UUID, agent_id: UUID, token: str) -> None: ...


class OnContainers(Protocol):
    """Keep, sealed, what this command had described; an error with code NOT_FOUND when nobody asked."""

    def __call__(self, *, command_id: UUID, agent_id: UUID, containers: bytes) -> None: ...


class BundleOf(Protocol):
    """The tar with this digest; an error with code NOT_FOUND when not this agent's."""

    def __call__(self, *, digest: str, agent_id: UUID) -> bytes: ...


class UserOf(Protocol):
    """The user behind an API token, None when it cannot be checked."""

    def __call__(self, *, token: str, acts: bool = False) -> UUID | None: ...


class DeploymentStateOf(Protocol):
    """The deployment as this user may see it; an error with code NOT_FOUND otherwise."""

    def __call__(self, *, deployment_id: UUID, user_id: UUID) -> DeploymentState: ...


class CancelDeployment(Protocol):
    """Ask for the deployment's cancellation as this user; an error with a code when that is not possible."""

    def __call__(self, *, deployment_id: UUID, user_id: UUID) -> None: ...


class StopProject(Protocol):
    """Ask for the project's stop on the agent's server as this user; an error with a code otherwise."""

    def __call__(self, *, agent_id: UUID, project_id: UUID, user_id: UUID) -> None: ...


class ScaleService(Protocol):
    """Ask for so many copies of a service on the agent's server as this user; an error with a code otherwise."""

    def __call__(
        self, *, agent_id: UUID, project_id: UUID, service_name: str, replicas: int, user_id: UUID
    ) -> None: ...


class CheckUpdate(Protocol):
    """Which version this user's agent is, and which one there is for it; an error with code NOT_FOUND otherwise."""

    def __call__(self, *, agent_id: UUID, user_id: UUID) -> UpdateCheck: ...


class UpdateAgent(Protocol):
    """Ask for the update of this user's agent; returns the rollout's id, or an error with a code."""

    def __call__(self, *, agent_id: UUID, user_id: UUID) -> UUID: ...


class RetentionsOf(Protocol):
    """What history keeps on the hosts of these agents; every agent asked for is in the answer."""

    def __call__(self, *, agent_ids: Collection[UUID]) -> Mapping[UUID, Retention]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """Synchronous callables; each runs in a thread with a database connection of its own."""

    enrolment_wait: EnrolmentWait
    on_report: OnReport
    on_usual_reports: OnUsualReports
    on_observed: OnObserved
    on_volumes: OnVolumes
    on_swarm: OnSwarm
    on_tasks: OnTasks
    on_samples: OnSamples
    on_job_runs: OnJobRuns
    runs_to_stop: RunsToStop
    log_request: LogRequestOf
    on_log_batch: OnLogBatch
    unknown_fate: UnknownFate
    secrets_of: SecretsOf
    registries_of: RegistriesOf
    on_join_token: OnJoinToken
    on_containers: OnContainers
    bundle_of: BundleOf
    user_of: UserOf
    deployment_state: DeploymentStateOf
    cancel_deployment: CancelDeployment
    stop_project: StopProject
    scale_service: ScaleService
    check_update: CheckUpdate
    update_agent: UpdateAgent
    retentions_of: RetentionsOf


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """Figures of one gateway process. Times in seconds.

    `bind` speaks TLS with the files where both are named, else with `authority_tls` by certificates of our own for
    `names`, else plainly. `mutual_bind`, empty for nowhere, is for agents with certificates alone; `mutual_address` is
    where they reach it, by itself its port on the host by which they enrolled.
    """

    bind: str
    conninfo: str
    tls_cert: str = ""
    tls_key: str = ""
    authority_tls: bool = False
    mutual_bind: str = ""
    mutual_address: str = ""
    names: tuple[str, ...] = ()
    heartbeat_seconds: int = 5
    lost_after_seconds: int = 180
    poll_seconds: float = 1.0
    liveness_seconds: float = 1.0
    retention_seconds: float = 2.0
    report_threads: int = 8
    max_calls: int = 4096
    hello_deadline: float = 10.0
    stop_grace: float = 3.0
    # What every client of the platform's broker takes, by the client's name; None where agents come over gRPC alone.
    kafka: Callable[[str], Mapping[str, Any]] | None = None
    kafka_group: str = "axion-deploy-agents"
