"""All that the work on one command needs, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agents.contracts import runner_pb2 as pb
from agents.runner.control_plane.bundles import Bundles
from agents.runner.control_plane.client import ControlPlane
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import Reporter
from agents.runner.control_plane.secrets import Vault
from agents.runner.docker.build_caches import BuildCaches
from agents.runner.docker.cli import DockerCommands
from agents.runner.docker.host import DockerHost
from agents.runner.docker.registries.registry_access import RegistryAccess
from agents.runner.docker.swarm import EngineSwarm
from agents.runner.interrupt import Interrupt
from agents.runner.journal.releases import Releases
from agents.runner.planning.registries import RegistryLogin
from agents.runner.policy.rules import Policy


@dataclass(frozen=True, kw_only=True)
class Work:
    """`clock` rises steadily, in seconds. `build_parallel` is how many images are built side by side.

    `former_lanes`: those of a server that this agent was enrolled for before. `seen` describes one container as the
    control plane is told of it; None when it is gone. `logins`: those that `commands` is signed in with at the moment.
    """

    command: pb.Command
    reporter: Reporter
    interrupt: Interrupt
    host: DockerHost
    commands: DockerCommands
    releases: Releases
    bundles: Bundles
    caches: BuildCaches
    control_plane: ControlPlane
    vault: Vault
    masker: Masker
    clock: Callable[[], float]
    build_parallel: int
    ca_bundle: Path | None
    policy: Policy
    former_lanes: frozenset[str]
    swarm: EngineSwarm
    seen: Callable[[str], pb.ContainerSeen | None]
    registries: RegistryAccess
    logins: tuple[RegistryLogin, ...] = ()
