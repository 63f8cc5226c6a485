"""Tells agents to become another version, and takes in how far they are."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from agents.contracts import runner_pb2
from agents.contracts.version import UPDATES_PROTOCOL
from agents.services import updates
from agents.transport.agent_session import AgentSession
from agents.transport.intake.due_agents import DueAgents
from agents.transport.intake.newest import Newest
from agents.transport.threads import DatabaseThreads


class UpdateIntake:
    """One per session. Only the newest word is stored: each says how far the agent is."""

    def __init__(self, *, session: AgentSession, threads: DatabaseThreads) -> None:
        self._session = session
        self._threads = threads
        self._newest: Newest[runner_pb2.UpdateState] = Newest(what="an update", agent_id=str(session.agent_id))

    def take(self, message: runner_pb2.UpdateState) -> None:
        self._newest.put(message)

    async def drain(self) -> None:
        """Store the newest word whenever there is one, until cancelled."""
        await self._newest.drain(self._store)

    async def _store(self, told: runner_pb2.UpdateState) -> None:
        try:
            update_id = UUID(told.update_id)
        except ValueError:
            return
        await self._threads.run(
            updates.record_told,
            agent_id=self._session.agent_id,
            session_id=self._session.session_id,
            update_id=update_id,
            told=told.state,
            message=told.message,
        )


class UpdateOrders(DueAgents):
    """Tells agents to become another version."""

    what = "agent updates"

    async def _tell(self, agents: Collection[UUID]) -> None:
        for agent_id, order in (await self._threads.run(updates.orders_of, agent_ids=agents)).items():
            session = self._registry.session_of(agent_id=agent_id)
            if session is not None and session.hello.protocol >= UPDATES_PROTOCOL and session.has_room:
                message = runner_pb2.UpdateOrder(
                    update_id=str(order.update_id), version=order.version, digest=order.digest
                )
                session.offer(runner_pb2.ToAgent(update=message))
