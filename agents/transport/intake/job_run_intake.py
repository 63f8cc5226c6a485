"""Takes in what became of jobs on a schedule, answers once it is stored, and tells agents which runs shall end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

import structlog

from agents.contracts import runner_pb2
from agents.contracts.version import JOB_RUNS_PROTOCOL
from agents.db_errors import DATABASE_AWAY
from agents.reports.job_runs import HostJobRuns
from agents.transport.agent_session import AgentSession
from agents.transport.intake.due_agents import DueAgents
from agents.transport.ports import OnJobRuns, RunsToStop
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.job_runs import runs_from_wire, stops_to_wire, stored_to_wire

# Messages of one session that wait for the database; an agent sends the next ones when these are answered.
MAX_WAITING = 4
AGAIN_SECONDS = 5.0
logger = structlog.get_logger(__name__)


class JobRunIntake:
    """One per session. What is beyond its bound is not answered, so the agent tells it again."""

    def __init__(self, *, session: AgentSession, threads: DatabaseThreads, on_job_runs: OnJobRuns) -> None:
        self._session = session
        self._threads = threads
        self._on_job_runs = on_job_runs
        self._waiting: asyncio.Queue[runner_pb2.JobRuns] = asyncio.Queue(MAX_WAITING)

    def take(self, message: runner_pb2.JobRuns) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(message)

    async def drain(self) -> None:
        """Store one message after the other, each until it is, until cancelled."""
        while True:
            message = await self._waiting.get()
            while not await self._store(message):
                await asyncio.sleep(AGAIN_SECONDS)

    async def _store(self, message: runner_pb2.JobRuns) -> bool:
        told = HostJobRuns(
            agent_id=self._session.agent_id, session_id=self._session.session_id, runs=runs_from_wire(message)
        )
        try:
            await self._threads.run(self._on_job_runs, told=told)
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what="runs of jobs", error=str(error).strip())
            return False
        self._session.offer(stored_to_wire(message))
        return True


class RunStops(DueAgents):
    """Tells agents which runs shall end."""

    what = "runs to stop"

    def __init__(self, *, registry: SessionRegistry, threads: DatabaseThreads, runs_to_stop: RunsToStop) -> None:
        super().__init__(registry=registry, threads=threads)
        self._runs_to_stop = runs_to_stop

    async def _tell(self, agents: Collection[UUID]) -> None:
        for agent_id, run_ids in (await self._threads.run(self._runs_to_stop, agent_ids=agents)).items():
            session = self._registry.session_of(agent_id=agent_id)
            if session is not None and session.hello.protocol >= JOB_RUNS_PROTOCOL and session.has_room:
                session.offer(stops_to_wire(run_ids))
