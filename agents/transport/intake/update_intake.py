"""Tells agents to become another version, and takes in how far they are."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

import structlog

from agents.contracts import runner_pb2
from agents.contracts.version import UPDATES_PROTOCOL
from agents.db_errors import DATABASE_AWAY
from agents.services import updates
from agents.transport.agent_session import AgentSession
from agents.transport.intake.newest import Newest
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads

AGAIN_SECONDS = 5.0
# All connected agents are looked at again after so long, in case a notification was lost.
SAFETY_SECONDS = 300.0
logger = structlog.get_logger(__name__)


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


class UpdateOrders:
    """Lives on the event loop. The table says who is to be told; a wake-up only hurries."""

    def __init__(self, *, registry: SessionRegistry, threads: DatabaseThreads) -> None:
        self._registry = registry
        self._threads = threads
        self._due: set[UUID] = set()
        self._news = asyncio.Event()

    def look_at(self, *, agent_id: UUID | None = None) -> None:
        """Look soon whether this agent, or any that is connected here, is to be told of an update."""
        if agent_id is None:
            self._due.update(session.agent_id for session in self._registry.sessions())
        elif self._registry.session_of(agent_id=agent_id) is not None:
            self._due.add(agent_id)
        self._news.set()

    async def tell_when_due(self) -> None:
        """Wait for news and tell once."""
        try:
            async with asyncio.timeout(SAFETY_SECONDS):
                await self._news.wait()
        except TimeoutError:
            self.look_at()
        self._news.clear()
        agents, self._due = self._due, set()
        try:
            await self._tell(agents)
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what="agent updates", error=str(error).strip())
            self._due |= agents
            self._news.set()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _tell(self, agents: Collection[UUID]) -> None:
        if not agents:
            return
        for agent_id, order in (await self._threads.run(updates.orders_of, agent_ids=agents)).items():
            session = self._registry.session_of(agent_id=agent_id)
            if session is not None and session.hello.protocol >= UPDATES_PROTOCOL and session.has_room:
                message = runner_pb2.UpdateOrder(
                    update_id=str(order.update_id), version=order.version, digest=order.digest
                )
                session.offer(runner_pb2.ToAgent(update=message))
