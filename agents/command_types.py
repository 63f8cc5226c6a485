"""What agents are ordered to do, as frozen values; they mirror contracts/runner.proto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """One service; without a `bundle_digest` its image is used as it is. `starts_first`: beside the old copies.

    `build_secrets`: what the Dockerfile calls a secret, and the variable that holds it.
    """

    node_id: str
    name: str
    image: str
    bundle_digest: str = ""
    dockerfile: str = ""
    depends_on: tuple[str, ...] = ()
    has_health_check: bool = False
    replicas: int = 1
    content_hash: str = ""
    level: int = 0
    starts_first: bool = False
    build_folder: str = ""
    build_dockerfile: str = ""
    build_target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    build_secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What runs to its end before anything is replaced; `needs` are the services that must run before it begins.

    Without `repeatable` it runs at most once in a deployment, whatever dies meanwhile. One `by_hand` runs only where
    the deployment names it in `restarts`, and by its `schedule`, for as long as the deployment is what runs.
    """

    service: ServiceSpec
    repeatable: bool = False
    timeout_seconds: int = 3600
    needs: tuple[str, ...] = ()
    by_hand: bool = False
    schedule: str = ""
    time_zone: str = ""
    overlap: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryCleanup:
    """What of a project's images its registry need not keep: all but these digests and those of the order itself.

    `services` had images there before, besides those of the order.
    """

    kept_digests: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployCommand:
    """Bring the target to this stack; without any service, stop it. Holds names of variables, never their values.

    With `pinned_images` (service to image id) nothing is built, and exactly these run. `restarts` are always made anew;
    a job among them runs, and no other does. `engine`: compose, or swarm where the agent's node is a manager.
    `registry_address`: where what is built for a cluster goes, under `registry_namespace`; empty for nowhere.
    `built_images`: by service the digest of what another server built and pushed.
    `takes_over`: containers of others by id, with their names, in whose place it starts; `adopted_volumes` are theirs.
    `registry_cleanup`: what the registry may lose once what is built is there; None for nothing. `moves`: by service
    the id of the node of a Swarm to which it goes, with its volumes by name and without their data.
    """

    stack_name: str
    files: Mapping[str, str]
    services: tuple[ServiceSpec, ...]
    variable_names: tuple[str, ...] = ()
    force_redeploy: bool = False
    health_deadline_seconds: int = 120
    health_window_seconds: int = 5
    build_deadline_seconds: int = 900
    restore_on_failure: bool = True
    pinned_images: Mapping[str, str] = field(default_factory=dict)
    restarts: tuple[str, ...] = ()
    jobs: tuple[JobSpec, ...] = ()
    engine: str = "compose"
    registry_address: str = ""
    registry_namespace: str = ""
    takes_over: Mapping[str, str] = field(default_factory=dict)
    adopted_volumes: tuple[str, ...] = ()
    built_images: Mapping[str, str] = field(default_factory=dict)
    registry_cleanup: RegistryCleanup | None = None
    moves: Mapping[str, str] = field(default_factory=dict)

    @property
    def built(self) -> tuple[ServiceSpec, ...]:
        """Return what is built from code, jobs among them; nothing where images are pinned."""
        everything = (*self.services, *(job.service for job in self.jobs))
        return () if self.pinned_images else tuple(each for each in everything if each.bundle_digest)


NOTHING_TO_DEPLOY = DeployCommand(stack_name="", files={}, services=())


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCommand:
    """Build and push what `order` builds; a manager is given the order itself, with the digests, when that is done.

    `variable_names`: of it, those that builds read.
    """

    order: DeployCommand = NOTHING_TO_DEPLOY
    variable_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertCommand:
    """Stop any work on the deployment and put back what ran before it, but for what was proven with `keep_proven`."""

    stack_name: str
    asked_by: str = ""
    cause: str = ""
    keep_proven: bool = False
    engine: str = "compose"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolumeCommand:
    """Delete a volume of the project, its data with it, unless a container has it at that moment."""

    stack_name: str
    volume_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmCommand:
    """Change the engine's Swarm, or a node of it: init, token, join, leave, update, remove, rotate. Holds no token."""

    action: str
    advertise_address: str = ""
    role: str = ""
    manager_addresses: tuple[str, ...] = ()
    node_id: str = ""
    availability: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a node that lies elsewhere is."""

    node_id: str
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointReached:
    """What became of one endpoint; `outcome` is the agent's word, `milliseconds` counts from the beginning."""

    node_id: str
    outcome: str
    message: str = ""
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReachCommand:
    """Try from the agent's host whether these can be connected to by TCP. Says nothing on the connections."""

    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectHostCommand:
    """Tell how the running containers of the host that are not ours are set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRegistryCommand:
    """Try a registry from the agent's host: whether Docker there gets in, and whether images may be pushed."""

    address: str
    namespace: str


AgentCommand: TypeAlias = (
    DeployCommand
    | RevertCommand
    | DeleteVolumeCommand
    | SwarmCommand
    | CheckReachCommand
    | InspectHostCommand
    | BuildCommand
    | CheckRegistryCommand
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """What an agent signs in to a registry with; open, so it is handed to that agent and kept nowhere."""

    name: str
    address: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_certificate: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """A row of the ledger as a list shows it. `finished_at`: its end was told; what came of it says its deployment."""

    id: UUID
    kind: str
    number: int
    status: str
    deployment_id: UUID
    project_id: UUID
    queued_at: datetime
    finished_at: datetime | None
    refusal_message: str
