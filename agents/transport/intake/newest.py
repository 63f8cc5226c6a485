"""What a session told last, stored; what came between need not be, since each telling is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from agents.backoff import Backoff
from agents.db_errors import DATABASE_AWAY

logger = structlog.get_logger(__name__)
RETRY = Backoff(first=0.5, most=10.0)
T = TypeVar("T")


class Newest(Generic[T]):
    """Holds one telling of `what`, which is named in the log beside the agent's id. Belongs to the event loop."""

    def __init__(self, *, what: str, agent_id: str) -> None:
        self._what = what
        self._agent_id = agent_id
        self._told: list[T] = []
        self._news = asyncio.Event()

    def put(self, told: T) -> None:
        """Replace what was told before."""
        self._told = [told]
        self._news.set()

    async def drain(self, store: Callable[[T], Awaitable[None]]) -> None:
        """Store the newest telling whenever there is one, until cancelled; wait for a database that is away."""
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await store(self._told[0])
                failures = 0
            except DATABASE_AWAY:
                failures += 1
                logger.warning("database unavailable, retrying", what=self._what, agent_id=self._agent_id)
                self._news.set()
                await asyncio.sleep(RETRY.pause(failures=failures))
            except Exception:  # the next change brings another telling; the session goes on
                logger.exception("not stored", what=self._what, agent_id=self._agent_id)
