"""What is wanted and what is observed, as frozen values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.contracts.job_schedule import Schedule

LABEL_PROJECT = "axion.project"
LABEL_NODE = "axion.node"
LABEL_SERVICE = "axion.service"
LABEL_HASH = "axion.hash"
LABEL_DEPLOYMENT = "axion.deployment"
LABEL_LANE = "axion.lane"
# On what runs to its end: none of the services that a stack is judged by.
LABEL_JOB = "axion.job"
# On a run of a job by its schedule: which one.
LABEL_RUN = "axion.run"
COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_NUMBER = "com.docker.compose.container-number"

CREATED = "created"
EXITED = "exited"
RUNNING = "running"
NOT_YET_HEALTHY = "starting"
HEALTHY = "healthy"
UNHEALTHY = "unhealthy"
# Without a health check there is nothing to be unsound by.
SOUND = frozenset({HEALTHY, "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedBuild:
    """How code is built beyond its Dockerfile; paths within it. `secrets`: an id, and the variable that holds it."""

    folder: str = ""
    dockerfile: str = ""
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedService:
    """One service as the command asks for it; `bundle_digest` is empty when `image` is used as it is.

    `needs` are the services and jobs that it starts after, each of a lower `level`. `image_volumes` are the paths where
    its image keeps data by itself; the agent finds them out.
    """

    name: str
    image: str
    node_id: str = ""
    bundle_digest: str = ""
    dockerfile: str = ""
    has_health_check: bool = False
    replicas: int = 1
    content_hash: str = ""
    level: int = 0
    needs: tuple[str, ...] = ()
    starts_first: bool = False
    image_volumes: tuple[str, ...] = ()
    build: WantedBuild = WantedBuild()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What runs to its end, `timeout` seconds at most, once the services that it `needs` run.

    Without `repeatable` at most once in a deployment. One `by_hand` runs only where the release's restarts name it,
    and by its `schedule` while the release is what runs; `overlap`: forbid, replace or allow.
    """

    service: WantedService
    needs: tuple[str, ...] = ()
    repeatable: bool = False
    timeout: float = 3600.0
    by_hand: bool = False
    schedule: Schedule | None = None
    overlap: str = ""

    @property
    def name(self) -> str:
        return self.service.name


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryCleanup:
    """The digests that history needs of the project's images, and services that had images there before."""

    kept: frozenset[str]
    services: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One deployment's stack: what to run and how long to watch it. Holds no secret. Times in seconds.

    `restarts` are services to make anew, changed or not; `force` means all.
    `pinned` names the image id of every service, or of none; with it nothing is built. Without services the release is
    a stop. `registry_address`: where what is built for a cluster goes; empty for nowhere. `built`: by service the
    digest there of what another server built. `registry_cleanup`: what else the registry need not keep; None for all.
    """

    deployment_id: str
    project_id: str
    stack: str
    files: Mapping[str, str]
    services: tuple[WantedService, ...]
    variable_names: tuple[str, ...] = ()
    force: bool = False
    restarts: frozenset[str] = frozenset()
    health_deadline: float = 120.0
    health_window: float = 0.0
    build_deadline: float = 900.0
    restore_on_failure: bool = True
    pinned: Mapping[str, str] = field(default_factory=dict)
    lane: str = ""
    jobs: tuple[Job, ...] = ()
    registry_address: str = ""
    registry_namespace: str = ""
    # Containers of others by id, with their names, and the volumes that the stack has of such.
    takes_over: Mapping[str, str] = field(default_factory=dict)
    adopted_volumes: frozenset[str] = frozenset()
    built: Mapping[str, str] = field(default_factory=dict)
    registry_cleanup: RegistryCleanup | None = None
    # By service the node of the Swarm to which it goes, with what its volumes hold there.
    moves: Mapping[str, str] = field(default_factory=dict)

    @property
    def due_jobs(self) -> tuple[Job, ...]:
        """Return the jobs to run: those asked for by name alone, else those of every deployment.

        Going back runs none: what they did is not undone by doing it again.
        """
        named = tuple(job for job in self.jobs if job.name in self.restarts)
        if named or self.pinned:
            return named
        return tuple(job for job in self.jobs if not job.by_hand)

    @property
    def scheduled_jobs(self) -> tuple[Job, ...]:
        """Return the jobs that the agent runs by itself while this release is what runs."""
        return tuple(job for job in self.jobs if job.schedule is not None)

    @property
    def in_file(self) -> tuple[WantedService, ...]:
        """Return all that the release's file has: services, and jobs as such."""
        return (*self.services, *(job.service for job in self.jobs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of ours as Docker describes it; `started_at` in epoch seconds, 0 when it never ran.

    `exclusive`: it holds a port of the host or data, which only one can have at a time. `volumes`: path in the
    container to the name of the volume there, also one that Docker made up. `oom_killed`: memory ran out in it
    before it ended; `memory_limit` in bytes, 0 for none of its own.
    """

    id: str
    service: str
    state: str
    health: str = "none"
    image_id: str = ""
    exit_code: int = 0
    restarts: int = 0
    started_at: float = 0.0
    content_hash: str = ""
    deployment_id: str = ""
    name: str = ""
    number: int = 0
    exclusive: bool = False
    node_id: str = ""
    volumes: Mapping[str, str] = field(default_factory=dict)
    oom_killed: bool = False
    memory_limit: int = 0
    lane: str = ""
    is_job: bool = False
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What shall run: services, the deployment whose files each runs by, and the image id each must have.

    A service whose image id is not known may run at any. With jobs in its file, it is never brought up as a whole.
    """

    services: tuple[WantedService, ...]
    owners: Mapping[str, str]
    images: Mapping[str, str]
    has_jobs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostImage:
    """An image that carries our labels, or inherited them. `digests` are what registries know it by: NAME@DIGEST."""

    id: str
    tags: tuple[str, ...]
    project_id: str
    service: str
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostContainer:
    """Any container of the host, ours or not: then the words of our labels are empty."""

    id: str
    state: str
    image_id: str
    stack: str = ""
    project_id: str = ""
    deployment_id: str = ""


def containers_of(observed: tuple[Container, ...], service: str) -> tuple[Container, ...]:
    return tuple(container for container in observed if container.service == service)
