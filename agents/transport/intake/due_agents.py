"""Agents that are to be told something which a table holds: who is due, and the wait for it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from uuid import UUID

import structlog

from agents.db_errors import DATABASE_AWAY
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads

AGAIN_SECONDS = 5.0
# All connected agents are looked at again after so long, in case a notification was lost.
SAFETY_SECONDS = 300.0
logger = structlog.get_logger(__name__)


class DueAgents(ABC):
    """Lives on the event loop. The table says who is to be told; a wake-up only hurries. `what` is for the log."""

    what: str

    def __init__(self, *, registry: SessionRegistry, threads: DatabaseThreads) -> None:
        self._registry = registry
        self._threads = threads
        self._due: set[UUID] = set()
        self._news = asyncio.Event()

    @abstractmethod
    async def _tell(self, agents: Collection[UUID]) -> None:
        """Tell those of them, at least one, of whom the table says so. Raises what a database that is away does."""

    def look_at(self, *, agent_id: UUID | None = None) -> None:
        """Look soon whether this agent, or any that is connected here, is to be told."""
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
        if not agents:
            return
        try:
            await self._tell(agents)
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what=self.what, error=str(error).strip())
            self._due |= agents
            self._news.set()
            await asyncio.sleep(AGAIN_SECONDS)
