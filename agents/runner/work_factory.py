"""What all commands of one process share, and the Work of each."""

from __future__ import annotations

import os
import time

from agents.contracts import runner_pb2 as pb
from agents.runner.activity import Watchdog
from agents.runner.cleanup.loop import Housekeeper
from agents.runner.commands.context import Work
from agents.runner.config import Config
from agents.runner.control_plane.bundles import Bundles
from agents.runner.control_plane.client import ControlPlane
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import Reporter
from agents.runner.control_plane.secrets import Vault
from agents.runner.docker.availability import EngineMonitor
from agents.runner.docker.build_caches import BuildCaches, kept_key
from agents.runner.docker.cli import DockerCommands
from agents.runner.docker.engine import Engine
from agents.runner.docker.host import DockerHost
from agents.runner.docker.our_containers import OurContainers
from agents.runner.docker.our_volumes import OurVolumes
from agents.runner.docker.patience import WorkPatience
from agents.runner.docker.registries.certificates import RegistryCertificates
from agents.runner.docker.registries.client_config import ClientConfigs
from agents.runner.docker.registries.registry_access import RegistryAccess
from agents.runner.docker.swarm import EngineSwarm
from agents.runner.interrupt import Interrupt
from agents.runner.journal.command_journal import Entry, Journal
from agents.runner.journal.releases import Releases
from agents.runner.journal.store import Store
from agents.runner.logs.in_swarm import SwarmStacks
from agents.runner.logs.sending import LogSender
from agents.runner.machine import Machine
from agents.runner.metrics import Figures, figures_of
from agents.runner.observation.observer import Observer
from agents.runner.observation.sampling import Sampler
from agents.runner.observation.swarm import SwarmSender, SwarmWatch
from agents.runner.observation.swarm_tasks import TasksSender, TasksWatch
from agents.runner.observation.telling import ObservationSender
from agents.runner.observation.volumes import VolumeSender, VolumeWatch
from agents.runner.schedules.schedules import Schedules
from agents.runner.self_check import SelfCheck
from agents.runner.session import Session


class WorkFactory:
    """Makes the Work of each command. What all commands share lives as long as the process."""

    def __init__(self, *, config: Config, store: Store) -> None:
        self._config = config
        self.journal = Journal(store)
        self.store = store
        engine = Engine()
        self.host = DockerHost(engine=engine)
        self.engine_monitor = EngineMonitor(host=self.host)
        self.watchdog = Watchdog(after=config.stalled_after, clock=time.monotonic)
        self.our_containers = OurContainers(engine=engine)
        self._releases = Releases(store=store, folder=config.state_dir / "releases")
        self._registries = registry_access(config, engine=engine)
        self._caches = BuildCaches(path=config.state_dir / "build-caches.key")
        self._bundles = Bundles(folder=config.state_dir / "bundles", max_bytes=config.bundle_cache_bytes)
        self.housekeeper = Housekeeper(
            host=self.host, journal=self.journal, releases=self._releases, send=self._send_inventory, now_ms=_now_ms
        )
        self.observer = Observer(
            containers=self.our_containers,
            key=kept_key(config.state_dir / "observation.key"),
            wake=self._observed,
        )
        self.volume_watch = VolumeWatch(volumes=OurVolumes(engine=engine), wake=self._volumes_seen)
        self.engine_swarm = EngineSwarm(engine=engine)
        self.swarm_watch = SwarmWatch(swarm=self.engine_swarm, wake=self._swarm_seen)
        self.tasks_watch = TasksWatch(
            swarm=self.engine_swarm, manages=lambda: self.swarm_watch.seen, wake=self._tasks_seen
        )
        self.sampler = Sampler(containers=self.our_containers, state_dir=config.state_dir, clock=time.monotonic)
        self.schedules = Schedules(engine=engine, journal=self.journal, releases=self._releases)
        self.observations: ObservationSender | None = None
        self.volumes: VolumeSender | None = None
        self.swarm: SwarmSender | None = None
        self.tasks: TasksSender | None = None
        self.session: Session | None = None
        self.control_plane: ControlPlane | None = None

    def work_for(self, entry: Entry, interrupt: Interrupt) -> Work:
        if self.control_plane is None:
            raise RuntimeError("Commands are worked on only after the session was built.")
        progress = self.watchdog.begin(command_id=entry.id, deployment_id=entry.deployment_id)
        progress.wait_for("the clean-up of this host")
        self.housekeeper.wait_for_turn()
        masker = Masker()
        reporter = Reporter(
            journal=self.journal,
            command_id=entry.id,
            deployment_id=entry.deployment_id,
            masker=masker,
            now_ms=_now_ms,
            wake=self._wake,
            progress=progress,
        )
        control_plane = self.control_plane.with_activity(progress.note_activity)
        return Work(
            command=entry.command(),
            reporter=reporter,
            interrupt=interrupt,
            host=self.host.waiting(
                WorkPatience(
                    interrupt=interrupt,
                    tell=lambda sentence: reporter.log(source="agent", text=f"{sentence}\n"),
                    progress=progress,
                )
            ),
            commands=DockerCommands(
                marker=f"{marker_of(self._config)}{entry.id}", reporter=reporter, progress=progress
            ),
            releases=self._releases,
            bundles=self._bundles,
            caches=self._caches,
            control_plane=control_plane,
            vault=Vault(control_plane=control_plane, masker=masker),
            masker=masker,
            clock=time.monotonic,
            build_parallel=self._config.build_parallel,
            ca_bundle=self._config.ca_bundle,
            policy=self._config.policy,
            former_lanes=self.session.former_lanes if self.session else frozenset(),
            seen=self.observer.describe,
            swarm=self.engine_swarm,
            registries=self._registries,
        )

    def ended(self, command_id: str) -> None:
        """Note that the work on the command is over, however it ended."""
        self.watchdog.end(command_id)
        self.housekeeper.request_cleanup()
        self.volume_watch.look_soon()
        self.swarm_watch.look_soon()
        self.tasks_watch.look_soon()
        self.schedules.look_soon()

    def start_watching(self) -> None:
        """Start what looks at the host between commands, and cleans it up."""
        for part in (
            self.engine_monitor,
            self.housekeeper,
            self.observer,
            self.volume_watch,
            self.swarm_watch,
            self.tasks_watch,
            self.schedules,
        ):
            part.start()

    def stop_watching(self) -> None:
        for part in (self.engine_monitor, self.observer, self.volume_watch, self.swarm_watch, self.tasks_watch):
            part.stop()

    def log_sender(self) -> LogSender:
        in_swarm = SwarmStacks(swarm=self.engine_swarm).running
        return LogSender(containers=self.our_containers, releases=self._releases, in_swarm=in_swarm)

    def machine(self) -> Machine:
        return Machine(
            state_dir=self._config.state_dir,
            containers=self.engine_monitor.containers,
            engine_version=self.host.engine_version,
            engine_id=self.engine_monitor.engine_id,
        )

    def figures(self, *, connected: bool) -> Figures:
        """Return what the agent tells who measures it. Safe across threads."""
        return figures_of(
            condition=self.self_check().condition(),
            connected=connected,
            containers=self.engine_monitor.containers(),
            commands=len(self.journal.workable()),
        )

    def self_check(self) -> SelfCheck:
        return SelfCheck(host=self.host, journal=self.journal, watchdog=self.watchdog, state_dir=self._config.state_dir)

    def _wake(self) -> None:
        if self.session is not None:
            self.session.wake()

    def _observed(self) -> None:
        if self.observations is not None:
            self.observations.wake()

    def _volumes_seen(self) -> None:
        if self.volumes is not None:
            self.volumes.wake()

    def _swarm_seen(self) -> None:
        if self.swarm is not None:
            self.swarm.wake()

    def _tasks_seen(self) -> None:
        if self.tasks is not None:
            self.tasks.wake()

    def _send_inventory(self, inventory: pb.Inventory) -> None:
        if self.session is not None:
            self.session.send_inventory(inventory)


def registry_access(config: Config, *, engine: Engine) -> RegistryAccess:
    allowed = config.policy.registry_certificates
    return RegistryAccess(
        engine=engine,
        configs=ClientConfigs(state_dir=config.state_dir, environment=os.environ),
        certificates=RegistryCertificates(state_dir=config.state_dir, allowed=allowed),
        patience=config.registry_patience,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def marker_of(config: Config) -> str:
    """Return what all children of runners on this state directory carry in their environment."""
    return f"{config.state_dir.resolve()}:"
