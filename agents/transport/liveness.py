"""Heartbeats of all agents in one statement a second, which also tells which sessions have ended elsewhere."""

from __future__ import annotations

import time
from uuid import UUID

import structlog

from agents.condition import AgentCondition
from agents.db_errors import DATABASE_AWAY
from agents.services import command_delivery
from agents.transport.agent_session import OVER
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads
from agents.types import AgentHealth, Sighting

logger = structlog.get_logger(__name__)

# That we listen is written as often, also when we hear nobody: well within the gap after which we count as gone.
LISTENING_SECONDS = 3.0


class Liveness:
    """Collects sightings between two writes; holds at most one per agent."""

    def __init__(self, *, gateway_id: UUID, registry: SessionRegistry, threads: DatabaseThreads) -> None:
        self._gateway_id = gateway_id
        self._registry = registry
        self._threads = threads
        self._seen: dict[UUID, Sighting] = {}
        self._written_at = 0.0

    def heard(
        self,
        *,
        agent_id: UUID,
        session_id: UUID | None,
        health: AgentHealth | None = None,
        missing_images: tuple[str, ...] | None = None,
        condition: AgentCondition | None = None,
    ) -> None:
        """Note that something came from the agent. A sighting inside a session outranks one outside."""
        earlier = self._seen.get(agent_id, Sighting())
        self._seen[agent_id] = Sighting(
            session_id=session_id or earlier.session_id,
            health=earlier.health if health is None else health,
            missing_images=earlier.missing_images if missing_images is None else missing_images,
            condition=earlier.condition if condition is None else condition,
        )

    async def flush(self) -> None:
        """Write that we listen and whom we heard; nothing when there is no news and that was written just now.

        When the database is away this is kept for the next time.
        """
        for session in self._registry.sessions():
            if session.waits_for_us:
                self.heard(agent_id=session.agent_id, session_id=session.session_id)
        if not self._seen and time.monotonic() - self._written_at < LISTENING_SECONDS:
            return
        batch, self._seen = self._seen, {}
        try:
            still = await self._threads.run(command_delivery.beat_and_touch, gateway_id=self._gateway_id, seen=batch)
        except DATABASE_AWAY as error:
            self._seen = {**batch, **self._seen}
            logger.warning(
                "database unavailable, retrying", what="heartbeats", agents=len(batch), error=str(error).strip()
            )
            return
        self._written_at = time.monotonic()
        for agent_id in batch.keys() - still:
            self._end(agent_id=agent_id, session_id=batch[agent_id].session_id)

    def _end(self, *, agent_id: UUID, session_id: UUID | None) -> None:
        session = self._registry.session_of(agent_id=agent_id)
        if session is not None and session.session_id == session_id:
            logger.info("session ended: revoked, enrolled anew or replaced elsewhere", agent_id=str(agent_id))
            session.end(OVER)
