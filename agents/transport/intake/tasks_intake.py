"""The tasks of a Swarm as an agent of one of its managers tells them, stored; one per session."""

from __future__ import annotations

import asyncio

from agents.contracts import runner_pb2
from agents.reports.swarm_seen import TasksTold
from agents.transport.agent_session import AgentSession
from agents.transport.intake.newest import Newest
from agents.transport.ports import OnTasks
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.tasks import left_out, tasks_from_wire

# Whose word counts may change without any news of the tasks: so each is offered again.
AGAIN_SECONDS = 4.0


class TasksIntake:
    """Only the newest telling is stored: each is whole, so those between need not be. Holds up no report."""

    def __init__(self, *, session: AgentSession, threads: DatabaseThreads, on_tasks: OnTasks) -> None:
        self._session = session
        self._threads = threads
        self._on_tasks = on_tasks
        self._told: TasksTold | None = None
        self._newest: Newest[TasksTold] = Newest(what="tasks of a swarm", agent_id=str(session.agent_id))

    def take(self, message: runner_pb2.TasksSeen) -> None:
        """Take in the next telling, which replaces the one before."""
        self._told = TasksTold(
            agent_id=self._session.agent_id,
            session_id=self._session.session_id,
            swarm_id=message.swarm_id,
            tasks=tasks_from_wire(message),
            left_out=left_out(message),
        )
        self._newest.put(self._told)

    async def drain(self) -> None:
        """Store the newest telling whenever there is one, and again every few seconds, until cancelled."""
        again = asyncio.create_task(self._offer_again())
        try:
            await self._newest.drain(self._store)
        finally:
            again.cancel()

    async def _offer_again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            if self._told is not None:
                self._newest.put(self._told)

    async def _store(self, told: TasksTold) -> None:
        await self._threads.run(self._on_tasks, told=told)
