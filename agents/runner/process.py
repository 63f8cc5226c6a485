"""Builds the runner's parts, runs them, and ends them within seconds when told to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

from agents.runner.config import Config
from agents.runner.control_plane.client import ControlPlane, GatewayCalls
from agents.runner.control_plane.kafka_line import open_line
from agents.runner.control_plane.line import Line
from agents.runner.dispatch import Dispatcher
from agents.runner.docker.engine import Engine
from agents.runner.docker.processes import end_marked
from agents.runner.journal.startup import lock, open_journal
from agents.runner.metrics import serve_metrics
from agents.runner.observation.sampling import SampleSender
from agents.runner.observation.swarm import swarm_sender
from agents.runner.observation.swarm_tasks import tasks_sender
from agents.runner.observation.telling import ObservationSender
from agents.runner.observation.volumes import volume_sender
from agents.runner.session import Session
from agents.runner.updating.container_handover import ContainerProbation, begin_in_container, hand_over_to_container
from agents.runner.updating.handover import Probation, begin, hand_over
from agents.runner.updating.own_container import OwnContainer, own_container
from agents.runner.updating.updater import Handover, Updater
from agents.runner.work_factory import WorkFactory, marker_of, registry_access

STOP_SECONDS = 4.0
SHUTDOWN_SECONDS = 0.5
ORPHAN_GRACE_SECONDS = 2.0
AnyProbation: TypeAlias = Probation | ContainerProbation
logger = logging.getLogger(__name__)


async def run(config: Config, *, arguments: Sequence[str] = ()) -> None:
    """Run the agent until SIGTERM or SIGINT, or until another version takes its place: then it does not return.

    `arguments` are those that this process was started with. Raises StateDirBusyError, StateDirUnusableError and what
    Store raises.
    """
    held = lock(config)
    given = list(arguments)
    container = own_container()
    if container is None:
        probation: AnyProbation | None = begin(config.state_dir, lock=held, arguments=given)
    else:
        probation = begin_in_container(config.state_dir, own=container)
    try:
        next_version = await _run(config, arguments=given, probation=probation)
    except Exception as error:
        if probation is not None:
            probation.go_back(f"The new version could not work ({error}); the former one goes on.")
        raise
    if next_version is not None:
        _hand_over(next_version, config=config, container=container, lock=held, arguments=given)
    os.close(held)


def _hand_over(
    next_version: Handover, *, config: Config, container: OwnContainer | None, lock: int, arguments: list[str]
) -> NoReturn:
    """Give the journal to the next version, which is installed beside this one or is another container."""
    record, seconds = next_version.record, config.update_seconds
    common: dict[str, Any] = {"state_dir": config.state_dir, "lock": lock, "arguments": arguments, "seconds": seconds}
    if next_version.to is not None and next_version.former is not None:
        hand_over(record=record, to=next_version.to, former=next_version.former, **common)
    if container is None:
        raise AssertionError("A version is installed beside another one, or is a container.")
    hand_over_to_container(own=container, record=record, **common)


async def _run(config: Config, *, arguments: list[str], probation: AnyProbation | None) -> Handover | None:
    """Work until stopped (None), or until the journal is to go to another version."""
    # Before anything is resumed: what a killed predecessor left running must not work beside us.
    ended = end_marked(marker=marker_of(config), grace=ORPHAN_GRACE_SECONDS)
    if ended:
        logger.warning("ended %d processes that a killed runner left behind", ended)
    registry_access(config, engine=Engine()).clear()
    store = await open_journal(config)
    factory = WorkFactory(config=config, store=store)
    housekeeper = factory.housekeeper
    dispatcher = Dispatcher(journal=factory.journal, work_for=factory.work_for, ended=factory.ended)
    updater = Updater(
        state_dir=config.state_dir,
        marker=marker_of(config),
        arguments=arguments,
        seconds=config.update_seconds,
        hold=dispatcher.hold,
        release=dispatcher.go_on,
        start=factory.start_watching,
        probation=probation,
    )
    try:
        async with open_line(config) as line:
            session = _session(config, factory=factory, line=line, dispatcher=dispatcher, updater=updater)
            calls = GatewayCalls(line=line)
            factory.control_plane = ControlPlane(calls=calls, loop=asyncio.get_running_loop())
            factory.schedules.connect(calls)
            # A version on probation touches nothing before it was welcomed.
            if not updater.on_probation:
                factory.start_watching()
                if session.may_resume():
                    dispatcher.resume()
            async with serve_metrics(config.metrics_bind, read=lambda: factory.figures(connected=session.is_connected)):
                await _until_stopped(session, updater)
            await asyncio.to_thread(dispatcher.stop, timeout=STOP_SECONDS)
            factory.stop_watching()
            await asyncio.to_thread(factory.schedules.stop, timeout=SHUTDOWN_SECONDS)
            await asyncio.to_thread(housekeeper.stop, timeout=SHUTDOWN_SECONDS)
    finally:
        store.close()
    return updater.handover.result() if updater.handover.done() else None


def _session(config: Config, *, factory: WorkFactory, line: Line, dispatcher: Dispatcher, updater: Updater) -> Session:
    factory.observations = ObservationSender(observer=factory.observer)
    factory.volumes = volume_sender(factory.volume_watch)
    factory.swarm = swarm_sender(factory.swarm_watch)
    factory.tasks = tasks_sender(factory.tasks_watch)
    factory.session = Session(
        config=config,
        line=line,
        journal=factory.journal,
        dispatcher=dispatcher,
        machine=factory.machine(),
        retain=factory.housekeeper.retain,
        self_check=factory.self_check(),
        observations=factory.observations,
        volumes=factory.volumes,
        logs=factory.log_sender(),
        samples=SampleSender(sampler=factory.sampler),
        swarm=(factory.swarm, factory.tasks),
        schedules=factory.schedules,
        updater=updater,
    )
    return factory.session


async def _until_stopped(session: Session, updater: Updater) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connection = asyncio.ensure_future(session.run())
    stopping = asyncio.ensure_future(stop.wait())
    waited: set[asyncio.Future[Any]] = {connection, stopping, updater.handover}
    done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    for task in (connection, stopping):
        task.cancel()
    await asyncio.wait({connection, stopping}, timeout=SHUTDOWN_SECONDS)
    if connection in done:
        connection.result()
