"""The connection to the control plane: dial, send Hello and heartbeats, take commands, send reports; for ever."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import grpc

from agents.backoff import MAX_AGENT_PAUSE, Backoff
from agents.contracts import runner_pb2 as pb
from agents.contracts.version import SETTLING_PROTOCOL
from agents.runner.config import Config
from agents.runner.control_plane.client import GatewayCalls
from agents.runner.control_plane.identity import Identity
from agents.runner.control_plane.line import Line
from agents.runner.control_plane.renewal import Renewal
from agents.runner.control_plane.report_delivery import ReportDelivery, deliver
from agents.runner.dispatch import Dispatcher
from agents.runner.errors import EnrolmentRefusedError, UnavailableError
from agents.runner.hello_message import build_hello
from agents.runner.journal.command_journal import Journal
from agents.runner.logs.sending import LogSender
from agents.runner.machine import Machine
from agents.runner.observation.sampling import SampleSender
from agents.runner.observation.telling import ObservationSender
from agents.runner.observation.volumes import VolumeSender
from agents.runner.observation.watching import Teller
from agents.runner.schedules.schedules import Schedules
from agents.runner.self_check import CONDITION_PROTOCOL, SelfCheck
from agents.runner.updating.updater import Updater

RECONNECT = Backoff(first=0.5, most=MAX_AGENT_PAUSE)
PAUSE_SHARE = 0.25  # of the time after which we are given up
WELCOME_SECONDS = 15.0
DEFAULT_HEARTBEAT = 5
STEADY_SECONDS = 30.0
logger = logging.getLogger(__name__)


class Session:
    """One process's connection to the control plane. All but `wake` and `send_inventory` belong to the event loop."""

    def __init__(
        self,
        *,
        config: Config,
        line: Line,
        journal: Journal,
        dispatcher: Dispatcher,
        machine: Machine,
        retain: Callable[[pb.Retention], None],
        self_check: SelfCheck,
        observations: ObservationSender,
        volumes: VolumeSender,
        logs: LogSender,
        samples: SampleSender,
        swarm: Sequence[Teller[Any]],
        schedules: Schedules,
        updater: Updater,
    ) -> None:
        self._volumes, self._swarm, self._schedules, self._updater = volumes, swarm, schedules, updater
        self._observations, self._logs, self._samples = observations, logs, samples
        self._self_check = self_check
        self._unstored_retention: pb.Retention | None = None
        self._unrecorded_control_plane: tuple[str, str] | None = None
        self._line, self._renewal = line, Renewal(config=config, line=line)
        self._journal = journal
        self._dispatcher, self._machine, self._retain = dispatcher, machine, retain
        self._instance_id = str(uuid4())
        self._numbered, self._max_pause = False, RECONNECT.most
        self._delivery: ReportDelivery | None = None
        self._inventory: pb.Inventory | None = None
        self._inventory_ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """Look for new reports. Safe across threads."""
        self._loop.call_soon_threadsafe(self._wake_delivery)

    def send_inventory(self, inventory: pb.Inventory) -> None:
        """Send this inventory in place of one that was not sent yet. Safe across threads."""
        self._loop.call_soon_threadsafe(self._queue_inventory, inventory)

    def _queue_inventory(self, inventory: pb.Inventory) -> None:
        self._inventory = inventory
        self._inventory_ready.set()

    def _wake_delivery(self) -> None:
        if self._delivery is not None:
            self._delivery.wake()

    @property
    def is_connected(self) -> bool:
        return self._delivery is not None

    @property
    def former_lanes(self) -> frozenset[str]:
        """Return the lanes of a server that this agent was enrolled for before."""
        return frozenset(self._line.identity.former_lanes if self._line.identity else ())

    async def run(self) -> None:
        """Stay connected until cancelled; reconnect with growing pauses and jitter, which spare a returning gateway."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._connect()
            except (grpc.RpcError, EnrolmentRefusedError, UnavailableError, TimeoutError, ConnectionError) as error:
                logger.warning("not connected to %s: %s", self._line.address, _describe(error))
                self._line.note_failure(error)
            except Exception:  # a fault of ours must not leave the host without an agent
                logger.exception("session ended by a fault")
            steady = time.monotonic() - began >= STEADY_SECONDS
            failures = 1 if steady else failures + 1
            await asyncio.sleep(min(self._max_pause, RECONNECT.pause(failures=failures)))

    async def _connect(self) -> None:
        identity = await self._line.dial(info=self._machine.info, lanes=self._journal.lanes())
        call = self._line.stub.Session(metadata=self._line.metadata())
        try:
            await self._run_session(call, identity)
        finally:
            self._delivery = None
            call.cancel()

    async def _run_session(self, call: Any, identity: Identity) -> None:
        await call.write(pb.FromAgent(hello=self._hello(identity)))
        # Not wait_for: before Python 3.12 it may swallow a cancellation that comes with the answer.
        async with asyncio.timeout(WELCOME_SECONDS):
            first = await call.read()
        if not isinstance(first, pb.ToAgent):
            raise ConnectionError("The gateway closed the session before it began.")
        logger.info("connected to %s", self._line.address)
        self._updater.welcomed()
        self._apply_welcome(first.welcome, identity)
        if self._unrecorded_control_plane is None:
            self._dispatcher.resume()
        writing = asyncio.Lock()

        async def write(message: pb.FromAgent) -> None:
            async with writing:
                await call.write(message)

        delivery = ReportDelivery(journal=self._journal, write=write)
        self._delivery = delivery
        seconds = first.welcome.heartbeat_seconds or DEFAULT_HEARTBEAT
        await _first_to_end(
            deliver(delivery),
            self._send_heartbeats(write=write, seconds=seconds, identity=identity),
            self._send_conditions(write=write, seconds=seconds, protocol=first.welcome.protocol),
            self._send_inventories(write),
            self._observations.run(write, protocol=first.welcome.protocol),
            self._volumes.run(write, protocol=first.welcome.protocol),
            *(each.run(write, protocol=first.welcome.protocol) for each in self._swarm),
            self._logs.run(),
            self._samples.run(write, protocol=first.welcome.protocol),
            self._renewal.run(write, protocol=first.welcome.protocol),
            self._schedules.run(write, protocol=first.welcome.protocol),
            self._updater.run(write, protocol=first.welcome.protocol),
            self._listen(call, write, delivery),
        )

    def _apply_welcome(self, welcome: pb.Welcome, identity: Identity) -> None:
        """Learn whom we serve and how long we may be silent. A gateway from before this tells neither."""
        self._numbered = welcome.protocol >= SETTLING_PROTOCOL
        if welcome.lost_after_seconds:
            self._max_pause = min(RECONNECT.most, welcome.lost_after_seconds * PAUSE_SHARE)
        if not self._numbered:
            return
        self._unrecorded_control_plane = (identity.agent_id, welcome.ledger_incarnation)
        try:
            self._record_control_plane()
        except sqlite3.DatabaseError as error:
            logger.warning("no work goes on before the journal can be written: %s", error)

    def _record_control_plane(self) -> None:
        """Record the control plane before any work of theirs: what is unfinished may have to wait."""
        if self._unrecorded_control_plane is None:
            return
        agent_id, ledger = self._unrecorded_control_plane
        if self._journal.record_control_plane(agent_id=agent_id, ledger=ledger):
            logger.warning("the control plane is another one, or was restored: unfinished work waits for its word")
        self._unrecorded_control_plane = None

    def may_resume(self) -> bool:
        """Tell whether unfinished work may go on before anybody is heard: not once we are to enrol as somebody else."""
        identity = self._line.identity
        if identity is None or self._line.has_new_token():
            return False
        return self._journal.control_plane_ids()[0] in ("", identity.agent_id)

    def _hello(self, identity: Identity) -> pb.Hello:
        return build_hello(journal=self._journal, identity=identity, instance_id=self._instance_id)

    async def _send_heartbeats(self, *, write: Callable[[pb.FromAgent], Any], seconds: int, identity: Identity) -> None:
        while True:
            health = await asyncio.to_thread(self._machine.health, now=int(time.time()))
            beat = pb.HeartbeatRequest(agent_id=identity.agent_id, server_id=identity.server_id, health=health)
            await write(pb.FromAgent(heartbeat=beat))
            await asyncio.sleep(seconds)

    async def _send_conditions(self, *, write: Callable[[pb.FromAgent], Any], seconds: int, protocol: int) -> None:
        """Send the condition beside the heartbeats; resume what had to stop while nothing could be written."""
        while True:
            if await asyncio.to_thread(self._self_check.recovered):
                self._resume_writing()
            condition = await asyncio.to_thread(self._self_check.condition)
            if condition is not None and protocol >= CONDITION_PROTOCOL:
                await write(pb.FromAgent(condition=condition))
            await self._self_check.pause(seconds=seconds)

    def _resume_writing(self) -> None:
        logger.info("the journal can be written again")
        try:
            self._record_control_plane()
            if self._unstored_retention is not None:
                self._store_retention(self._unstored_retention)
        except sqlite3.DatabaseError as error:  # so it is tried again
            logger.warning("the journal cannot be written: %s", error)
            return
        self._dispatcher.resume()
        self._wake_delivery()

    def _store_retention(self, retention: pb.Retention) -> None:
        self._unstored_retention = retention
        self._retain(retention)
        self._unstored_retention = None

    def _read_logs(self, request: pb.ReadLogs) -> None:
        calls, metadata = GatewayCalls(line=self._line), self._line.metadata()
        self._logs.start(request, stub=self._line.stub, metadata=metadata, fetch_values=calls.fetch_values)

    async def _send_inventories(self, write: Callable[[pb.FromAgent], Any]) -> None:
        while True:
            await self._inventory_ready.wait()
            self._inventory_ready.clear()
            if self._inventory is not None:
                await write(pb.FromAgent(inventory=self._inventory))

    async def _listen(self, call: Any, write: Callable[[pb.FromAgent], Any], delivery: ReportDelivery) -> None:
        while isinstance(message := await call.read(), pb.ToAgent):
            try:
                if message.HasField("command"):
                    self._record_control_plane()
                    acknowledged = self._dispatcher.take(message.command, numbered=self._numbered)
                    await write(pb.FromAgent(acknowledged=acknowledged))
                elif message.HasField("reports_acknowledged"):
                    delivery.acknowledged(message.reports_acknowledged)
                elif message.HasField("retention"):
                    self._store_retention(message.retention)
                elif message.HasField("observe_again"):
                    self._observations.start_again()
                else:
                    self._take(message)
            except sqlite3.DatabaseError as error:
                # Not acknowledged, so it is sent again; the session goes on, and tells why.
                logger.warning("the journal cannot be written: %s", error)
        raise ConnectionError("The gateway ended the session.")

    def _take(self, message: pb.ToAgent) -> None:
        """Take in what is not about commands."""
        if message.HasField("read_logs"):
            self._read_logs(message.read_logs)
        elif message.HasField("certificate"):
            self._renewal.take(message.certificate)
        elif message.HasField("renew_certificate"):
            self._renewal.want()
        elif message.HasField("update"):
            calls = GatewayCalls(line=self._line)
            self._updater.take(message.update, calls=calls, instance_id=self._instance_id)
        else:
            self._schedules.take(message)


async def _first_to_end(*parts: Any) -> None:
    """Run side by side until one ends, then end the others; raises what it raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _describe(error: BaseException) -> str:
    """Return what went wrong, without what was sent."""
    if isinstance(error, grpc.RpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error) or type(error).__name__
