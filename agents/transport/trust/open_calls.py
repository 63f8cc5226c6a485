"""Calls of agents that are open, such as code and logs on their way: they end when the agent's credential does."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NoReturn
from uuid import UUID

import grpc

Call = grpc.aio.ServicerContext[Any, Any]


class OpenCalls:
    """Lives on the event loop."""

    def __init__(self) -> None:
        self._open: dict[UUID, set[Callable[[], None]]] = defaultdict(set)

    @asynccontextmanager
    async def interrupted(self, *, agent_id: UUID, context: Call) -> AsyncIterator[None]:
        """Have what is done inside interrupted when the agent is cut off; its call is aborted then.

        Nothing may be written inside: a call whose message is on its way cannot be given a status.
        """
        scope = asyncio.timeout(None)
        try:
            with self._kept(agent_id, lambda: scope.reschedule(asyncio.get_running_loop().time())):
                async with scope:
                    yield
        except TimeoutError:
            if not scope.expired():
                raise
            await refuse(context)

    @contextmanager
    def noted(self, *, agent_id: UUID) -> Iterator[asyncio.Event]:
        """Give what is set when the agent is cut off, for who writes one message after the other."""
        ended = asyncio.Event()
        with self._kept(agent_id, ended.set):
            yield ended

    def cut(self, *, agent_id: UUID) -> None:
        """End all that is open of the agent."""
        # Each is ended once: a scope that ends takes no other word.
        for end in self._open.pop(agent_id, ()):
            end()

    @contextmanager
    def _kept(self, agent_id: UUID, end: Callable[[], None]) -> Iterator[None]:
        self._open[agent_id].add(end)
        try:
            yield
        finally:
            left = self._open.get(agent_id, set())
            left.discard(end)
            if not left:
                self._open.pop(agent_id, None)


async def refuse(context: Call) -> NoReturn:
    """Abort a call of an agent that was cut off."""
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Not authenticated. The agent's credential has ended.")
