"""Calls of agents that are open, such as code and logs on their way: they end when the agent's credential does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

import grpc

from agents.transport.presented import serial_by

Call = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """One call; `serial` of the certificate that it was made with, empty for none."""

    agent_id: UUID
    serial: str
    end: Callable[[], None]


class OpenCalls:
    """Lives on the event loop."""

    def __init__(self) -> None:
        self._open: set[_Open] = set()

    def serials(self) -> frozenset[str]:
        """Return the certificates that calls were made with."""
        return frozenset(each.serial for each in self._open if each.serial)

    @asynccontextmanager
    async def interrupted(self, *, agent_id: UUID, context: Call) -> AsyncIterator[None]:
        """Have what is done inside interrupted when the agent is cut off; its call is aborted then.

        Nothing may be written inside: a call whose message is on its way cannot be given a status.
        """
        scope = asyncio.timeout(None)
        try:
            with self._kept(agent_id, context, lambda: scope.reschedule(asyncio.get_running_loop().time())):
                async with scope:
                    yield
        except TimeoutError:
            if not scope.expired():
                raise
            await refuse(context)

    @contextmanager
    def noted(self, *, agent_id: UUID, context: Call) -> Iterator[asyncio.Event]:
        """Give what is set when the agent is cut off, for who writes one message after the other."""
        ended = asyncio.Event()
        with self._kept(agent_id, context, ended.set):
            yield ended

    def cut(self, *, agent_id: UUID) -> None:
        """End all that is open of the agent."""
        self._cut(each for each in self._open if each.agent_id == agent_id)

    def cut_with(self, *, serials: frozenset[str]) -> None:
        """End all that was opened with one of these certificates."""
        self._cut(each for each in self._open if each.serial in serials)

    def _cut(self, calls: Iterable[_Open]) -> None:
        # Each is ended once: a scope that ends takes no other word.
        for each in tuple(calls):
            self._open.discard(each)
            each.end()

    @contextmanager
    def _kept(self, agent_id: UUID, context: Call, end: Callable[[], None]) -> Iterator[None]:
        kept = _Open(agent_id=agent_id, serial=serial_by(context), end=end)
        self._open.add(kept)
        try:
            yield
        finally:
            self._open.discard(kept)


async def refuse(context: Call) -> NoReturn:
    """Abort a call of an agent that was cut off."""
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Not authenticated. The agent's credential has ended.")
