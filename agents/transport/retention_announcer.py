"""Tells connected agents what history keeps on their hosts; it is read anew each time, a wake-up only hurries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

import structlog

from agents.db_errors import DATABASE_AWAY
from agents.isolation import isolation
from agents.limits import MAX_SENT_BYTES
from agents.retention import Retention
from agents.transport.ports import RetentionsOf
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads
from agents.transport.wire import codec

logger = structlog.get_logger(__name__)

# A thousand that reconnect are told in a few rounds.
AGENTS_PER_ROUND = 250
# Everybody is looked at again after so long, in case a notification was lost.
SAFETY_SECONDS = 600.0


class RetentionAnnouncer:
    """Lives on the event loop. One round in `round_seconds` for all that came up: nobody is told more often."""

    def __init__(
        self,
        *,
        registry: SessionRegistry,
        threads: DatabaseThreads,
        retentions_of: RetentionsOf,
        round_seconds: float,
    ) -> None:
        self._registry = registry
        self._threads = threads
        self._retentions_of = retentions_of
        self._round_seconds = round_seconds
        self._due: dict[UUID, None] = {}
        self._news = asyncio.Event()

    def look_at(self, *, agent_id: UUID | None = None) -> None:
        """Look soon at what this agent, or any, is to keep; who is connected elsewhere is looked after there."""
        if agent_id is None:
            self._due.update(dict.fromkeys(session.agent_id for session in self._registry.sessions()))
        elif self._registry.session_of(agent_id=agent_id) is not None:
            self._due[agent_id] = None
        self._news.set()

    async def tell_when_due(self) -> None:
        """Wait for news, tell once, and rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SAFETY_SECONDS):
                await self._news.wait()
        if not self._news.is_set():
            self.look_at()
        self._news.clear()
        batch = list(self._due)[:AGENTS_PER_ROUND]
        try:
            await self._tell(batch)
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what="retention", error=str(error).strip())
        finally:
            if self._due:
                self._news.set()
        await asyncio.sleep(self._round_seconds)

    async def _tell(self, batch: list[UUID]) -> None:
        if not batch:
            return
        for agent_id in batch:
            del self._due[agent_id]
        try:
            found = await self._threads.run(self._read, batch)
        except Exception:
            self._due.update(dict.fromkeys(batch))
            raise
        for agent_id, retention in found.items():
            self._offer(agent_id, retention)

    def _read(self, batch: list[UUID]) -> Mapping[UUID, Retention]:
        """Read for all at once; where that fails by a fault of one, for each by itself.

        Who is left out is told nothing, keeps too much, and is looked at again with the next news.
        """
        try:
            return self._retentions_of(agent_ids=batch)
        except DATABASE_AWAY:
            raise
        except Exception:
            found: dict[UUID, Retention] = {}
            for agent_id in batch:
                with isolation("retention of agents").item(agent_id):
                    found |= self._retentions_of(agent_ids=[agent_id])
            return found

    def _offer(self, agent_id: UUID, retention: Retention) -> None:
        session = self._registry.session_of(agent_id=agent_id)
        if session is None or session.retention_number == retention.number:
            return
        if not session.has_room:
            self._due[agent_id] = None
            return
        session.retention_number = retention.number
        message = codec.retention_to_wire(retention)
        if message.ByteSize() > MAX_SENT_BYTES:
            # It would end the session each time. What it was told before stays true for what is older.
            logger.error("history keeps more than can be told", agent_id=str(agent_id), stacks=len(retention.stacks))
            return
        session.offer(message)
