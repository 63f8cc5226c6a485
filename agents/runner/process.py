"""Builds the runner's parts, runs them, and ends them within seconds when told to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time

from agents.contracts import runner_pb2 as pb
from agents.runner.activity import Watchdog
from agents.runner.cleanup.loop import Housekeeper
from agents.runner.commands.context import Work
from agents.runner.config import Config
from agents.runner.control_plane.bundles import Bundles
from agents.runner.control_plane.client import ControlPlane, GatewayCalls
from agents.runner.control_plane.kafka_line import open_line
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import Reporter
from agents.runner.control_plane.secrets import Vault
from agents.runner.dispatch import Dispatcher
from agents.runner.docker.availability import EngineMonitor
from agents.runner.docker.build_caches import BuildCaches, kept_key
from agents.runner.docker.cli import DockerCommands
from agents.runner.docker.engine import Engine
from agents.runner.docker.host import DockerHost
from agents.runner.docker.our_containers import OurContainers
from agents.runner.docker.our_volumes import OurVolumes
from agents.runner.docker.patience import WorkPatience
from agents.runner.docker.processes import end_marked
from agents.runner.docker.registries.certificates import RegistryCertificates
from agents.runner.docker.registries.client_config import ClientConfigs
from agents.runner.docker.registries.registry_access import RegistryAccess
from agents.runner.docker.swarm import EngineSwarm
from agents.runner.interrupt import Interrupt
from agents.runner.journal.command_journal import Entry, Journal
from agents.runner.journal.releases import Releases
from agents.runner.journal.startup import lock, open_journal
from agents.runner.journal.store import Store
from agents.runner.logs.sending import LogSender
from agents.runner.machine import Machine
from agents.runner.observation.observer import Observer
from agents.runner.observation.sampling import Sampler, SampleSender
from agents.runner.observation.swarm import SwarmSender, SwarmWatch, swarm_sender
from agents.runner.observation.telling import ObservationSender
from agents.runner.observation.volumes import VolumeSender, VolumeWatch, volume_sender
from agents.runner.schedules.schedules import Schedules
from agents.runner.self_check import SelfCheck
from agents.runner.session import Session

STOP_SECONDS = 4.0
SHUTDOWN_SECONDS = 0.5
ORPHAN_GRACE_SECONDS = 2.0
logger = logging.getLogger(__name__)


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
        self.sampler = Sampler(containers=self.our_containers, state_dir=config.state_dir, clock=time.monotonic)
        self.schedules = Schedules(engine=engine, journal=self.journal, releases=self._releases)
        self.observations: ObservationSender | None = None
        self.volumes: VolumeSender | None = None
        self.swarm: SwarmSender | None = None
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
        self.schedules.look_soon()

    def start_watching(self) -> None:
        """Start what looks at the host between commands, and cleans it up."""
        for part in (
            self.engine_monitor,
            self.housekeeper,
            self.observer,
            self.volume_watch,
            self.swarm_watch,
            self.schedules,
        ):
            part.start()

    def stop_watching(self) -> None:
        for part in (self.engine_monitor, self.observer, self.volume_watch, self.swarm_watch):
            part.stop()

    def log_sender(self) -> LogSender:
        return LogSender(containers=self.our_containers, releases=self._releases)

    def machine(self) -> Machine:
        return Machine(
            state_dir=self._config.state_dir,
            containers=self.engine_monitor.containers,
            engine_version=self.host.engine_version,
            engine_id=self.engine_monitor.engine_id,
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


async def run(config: Config) -> None:
    """Run the agent until SIGTERM or SIGINT. Raises StateDirBusyError, StateDirUnusableError and what Store raises."""
    state_dir_lock = lock(config)
    # Before anything is resumed: what a killed predecessor left running must not work beside us.
    ended = end_marked(marker=marker_of(config), grace=ORPHAN_GRACE_SECONDS)
    if ended:
        logger.warning("ended %d processes that a killed runner left behind", ended)
    registry_access(config, engine=Engine()).clear()
    store = await open_journal(config)
    factory = WorkFactory(config=config, store=store)
    housekeeper = factory.housekeeper
    dispatcher = Dispatcher(journal=factory.journal, work_for=factory.work_for, ended=factory.ended)
    try:
        async with open_line(config) as line:
            factory.observations = ObservationSender(observer=factory.observer)
            factory.volumes = volume_sender(factory.volume_watch)
            factory.swarm = swarm_sender(factory.swarm_watch)
            session = Session(
                config=config,
                line=line,
                journal=factory.journal,
                dispatcher=dispatcher,
                machine=factory.machine(),
                retain=housekeeper.retain,
                self_check=factory.self_check(),
                observations=factory.observations,
                volumes=factory.volumes,
                logs=factory.log_sender(),
                samples=SampleSender(sampler=factory.sampler),
                swarm=factory.swarm,
                schedules=factory.schedules,
            )
            factory.session = session
            calls = GatewayCalls(line=line)
            factory.control_plane = ControlPlane(calls=calls, loop=asyncio.get_running_loop())
            factory.schedules.connect(calls)
            factory.start_watching()
            if session.may_resume():
                dispatcher.resume()
            await _until_stopped(session)
            await asyncio.to_thread(dispatcher.stop, timeout=STOP_SECONDS)
            factory.stop_watching()
            await asyncio.to_thread(factory.schedules.stop, timeout=SHUTDOWN_SECONDS)
            await asyncio.to_thread(housekeeper.stop, timeout=SHUTDOWN_SECONDS)
    finally:
        store.close()
        os.close(state_dir_lock)


async def _until_stopped(session: Session) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connection = asyncio.ensure_future(session.run())
    stopping = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait({connection, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (connection, stopping):
        task.cancel()
    await asyncio.wait({connection, stopping}, timeout=SHUTDOWN_SECONDS)
    if connection in done:
        connection.result()
