"""One call of an agent over the broker, as the methods of the gateway know it from gRPC."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message

# Messages that wait to be read; beyond it the agent's topic is read no further.
MAX_WAITING = 256
Write = Callable[[Message], Awaitable[None]]


class CallAborted(Exception):
    """A method ended the call with this status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class LinkCall:
    """What gRPC's context and iterator of requests are elsewhere. Lives on the event loop."""

    def __init__(self, *, method: str, agent_id: str, credential: str, write: Write) -> None:
        self.method = method
        self._agent_id = agent_id
        self._metadata = (("authorization", f"Bearer {credential}"),)
        self._write = write
        self._waiting: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._over = False

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MAX_WAITING

    def take(self, message: Message | None, *, end: bool) -> None:
        """Let the method read this message; with `end` it is the last."""
        if message is not None and not self._over:
            self._waiting.append(message)
        self._over = self._over or end
        self._changed.set()

    async def messages(self) -> AsyncIterator[Any]:
        """Yield what the agent sends, until it ends the call."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._over:
                return
            self._changed.clear()
            await self._changed.wait()

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def auth_context(self) -> dict[str, list[bytes]]:
        """Return no certificate: over the broker the credential alone says who calls."""
        return {}

    def peer(self) -> str:
        """Return what the caller is counted by: over the broker only the agent itself could make the call."""
        return f"kafka:{self._agent_id}"

    async def write(self, message: Message) -> None:
        await self._write(message)

    async def abort(self, code: grpc.StatusCode, details: str = "") -> NoReturn:
        raise CallAborted(code, details)
