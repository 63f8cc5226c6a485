"""What an agent says about its commands, applied in the order it was said; one drain per session."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import structlog

from agents.backoff import Backoff
from agents.contracts import runner_pb2
from agents.db_errors import DATABASE_AWAY
from agents.errors import NotFound
from agents.reports.skipped_reports import SKIPPED
from agents.services import command_delivery
from agents.transport.agent_session import AgentSession
from agents.transport.ports import OnReport, OnUsualReports
from agents.transport.threads import DatabaseThreads
from agents.transport.wire import codec
from agents.types import CommandFinished, LogWritten, Report, ServiceObserved, StageReached, Unknown

logger = structlog.get_logger(__name__)
T = TypeVar("T")

# Acknowledgements are held back while more reports wait, so that a burst is answered once.
MAX_HELD_BACK = 50
# Reports of one command that are stored in one transaction where they wait together; each holds its rows a little.
MAX_TOGETHER = 20
# What an agent writes down together arrives together, but not in one read of the stream.
GATHER_SECONDS = 0.005
MAX_TRIES = 4
RETRY = Backoff(first=0.2, most=5.0)
# Commands that are not here, so that each is asked for and logged once; an agent may name any number of them.
MAX_FORGOTTEN = 1000


class SetAside(Exception):
    """The command's reports cannot be applied; they wait, unacknowledged, for the agent's next session."""


class ReportApplier:
    """Applies acknowledgements and reports of one session. Never raises for a single message.

    `on_finished` is called when a command's last report is stored, each time it is said.
    """

    def __init__(
        self,
        *,
        session: AgentSession,
        threads: DatabaseThreads,
        on_report: OnReport,
        on_usual_reports: OnUsualReports,
        on_finished: Callable[[], None],
    ) -> None:
        self._session = session
        self._on_finished = on_finished
        self._threads = threads
        self._on_report = on_report
        self._on_usual_reports = on_usual_reports
        # Taken from the session's queue, not applied yet.
        self._taken: deque[runner_pb2.FromAgent] = deque()
        self._stored: dict[UUID, int] = {}
        self._held_back = 0
        self._set_aside: set[UUID] = set()
        self._forgotten: set[UUID] = set()
        self._log = logger.bind(agent_id=str(session.agent_id))

    async def drain(self) -> None:
        """Apply messages until cancelled."""
        while True:
            if not self._taken:
                self._taken.append(await self._session.incoming.get())
                if self._taken[0].HasField("report"):
                    await asyncio.sleep(GATHER_SECONDS)
            self._take_more()
            if await self._apply_together():
                await self._acknowledge_when_due()
                continue
            message = self._taken.popleft()
            try:
                await self._apply(message)
            except (ValueError, OverflowError) as error:
                SKIPPED.add("malformed")
                self._log.warning("malformed message dropped", error=str(error))
            except NotFound:
                self._log.warning("message about a command that is not the agent's dropped")
            except SetAside:
                self._log.warning("reports of a command set aside until the agent reconnects")
            await self._acknowledge_when_due()

    def _take_more(self) -> None:
        """Take what waits behind the first message, as long as all are reports of one command."""
        command_id = self._taken[0].report.command_id
        while len(self._taken) < MAX_TOGETHER and not self._session.incoming.empty():
            if not command_id or self._taken[-1].report.command_id != command_id:
                return
            self._taken.append(self._session.incoming.get_nowait())

    async def _apply_together(self) -> bool:
        """Store the usual reports at the head of what was taken in one transaction.

        Return False, with nothing stored, where there are not two of them, or one cannot be stored: then each is
        applied by itself, and the others do not pay for it.
        """
        if len(self._taken) < 2:
            return False
        # Reading what is no report as one would make it one.
        told = itertools.takewhile(lambda message: message.HasField("report"), self._taken)
        try:
            reports = list(itertools.takewhile(self._is_usual, map(self._read, told)))
            if len(reports) < 2:
                return False
            number = await self._threads.run(self._on_usual_reports, reports=reports)
        except Exception as error:
            self._log.debug("reports are applied one by one", error=str(error).strip())
            return False
        self._held_back += len(reports)
        self._stored[reports[0].command_id] = number
        for _ in reports:
            self._taken.popleft()
        return True

    def _read(self, message: runner_pb2.FromAgent) -> Report:
        return codec.report_from_wire(message.report, agent_id=self._session.agent_id)

    def _is_usual(self, report: Report) -> bool:
        """Tell whether the report is of the first one's command, the agent's own, and only says how that goes on."""
        known = self._session.knows(command_id=report.command_id, deployment_id=report.deployment_id)
        is_of_first = str(report.command_id) == self._taken[0].report.command_id
        is_usual = isinstance(report.body, StageReached | LogWritten | ServiceObserved)
        return known and is_of_first and is_usual and report.command_id not in self._set_aside

    async def _apply(self, message: runner_pb2.FromAgent) -> None:
        if message.WhichOneof("message") == "report":
            await self._apply_report(message.report)
        else:
            await self._apply_acknowledgement(message.acknowledged)

    async def _apply_report(self, message: runner_pb2.Report) -> None:
        report = codec.report_from_wire(message, agent_id=self._session.agent_id)
        if report.command_id in self._set_aside:
            return
        self._held_back += 1
        if not await self._is_own(report):
            self._forget(report)
            return
        try:
            self._stored[report.command_id] = await self._store(report)
        except NotFound:
            self._forget(report)
            return
        if isinstance(report.body, Unknown):
            times = SKIPPED.add(report.body.what)
            self._log.warning("skipped what this version does not know", what=report.body.what, times=times)
        if isinstance(report.body, CommandFinished):
            self._on_finished()

    async def _apply_acknowledgement(self, message: runner_pb2.CommandAcknowledged) -> None:
        command_id, agent_id = UUID(message.command_id), self._session.agent_id
        if message.accepted:
            await self._patiently(
                lambda: self._threads.run(command_delivery.acknowledge, command_id=command_id, agent_id=agent_id)
            )
            return
        self._log.warning("command refused", command_id=str(command_id), refusal=message.refusal)
        report = await self._patiently(
            lambda: self._threads.run(
                command_delivery.refuse,
                command_id=command_id,
                agent_id=agent_id,
                refusal=message.refusal or "refused",
                message=message.message,
                at=datetime.now(tz=UTC),
            )
        )
        if report is not None:
            await self._store(report)

    def _forget(self, report: Report) -> None:
        """Acknowledge a report that nobody waits for, so that the agent does not send it for ever.

        It is not the agent's own, or of a command that this ledger does not have.
        """
        self._stored[report.command_id] = max(report.number, self._stored.get(report.command_id, 0))
        if report.command_id not in self._forgotten:
            if len(self._forgotten) >= MAX_FORGOTTEN:
                self._forgotten.clear()
            self._forgotten.add(report.command_id)
            self._log.warning("reports of a command that is not here are forgotten", command_id=str(report.command_id))

    async def _is_own(self, report: Report) -> bool:
        command_id, deployment_id = report.command_id, report.deployment_id
        if self._session.knows(command_id=command_id, deployment_id=deployment_id):
            return True
        if command_id in self._forgotten:
            return False
        own = await self._patiently(
            lambda: self._threads.run(
                command_delivery.belongs, command_id=command_id, agent_id=report.agent_id, deployment_id=deployment_id
            )
        )
        if own:
            self._session.learn(command_id=command_id, deployment_id=deployment_id)
        return own

    async def _store(self, report: Report) -> int:
        """Return the last stored number. Tries a few times, then sets the command aside so that others go on."""
        for attempt in range(MAX_TRIES):
            try:
                return await self._patiently(lambda: self._threads.run(self._on_report, report=report))
            except NotFound:
                raise
            except Exception:
                self._log.exception(
                    "report not applied", command_id=str(report.command_id), number=report.number, attempt=attempt
                )
                await asyncio.sleep(RETRY.pause(failures=attempt + 1))
        self._set_aside.add(report.command_id)
        raise SetAside

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Try until the database is back. Bounded by the session: its end cancels this."""
        attempt = 0
        while True:
            try:
                return await work()
            except DATABASE_AWAY as error:
                self._log.warning("database unavailable, retrying", error=str(error).strip(), attempt=attempt)
                attempt += 1
                await asyncio.sleep(RETRY.pause(failures=attempt))

    async def _acknowledge_when_due(self) -> None:
        nothing_waits = not self._taken and self._session.incoming.empty()
        if nothing_waits or self._held_back >= MAX_HELD_BACK:
            await self._acknowledge_reports()

    async def _acknowledge_reports(self) -> None:
        stored, self._stored, self._held_back = self._stored, {}, 0
        for command_id, number in stored.items():
            await self._session.outgoing.put(codec.reports_acknowledged(command_id=command_id, number=number))
