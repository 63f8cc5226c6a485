"""A call over the broker as the session uses it from gRPC: write, read, iterate, cancel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import Message

# A message, or None for the end of what we send.
Write = Callable[[Message | None], Awaitable[None]]
END: Any = grpc.aio.EOF  # type: ignore[attr-defined]  # the stubs have its type alone


def failed(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    """Return the error that gRPC's own calls raise, so that callers know one kind."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details, details)


class AgentCall:
    """Lives on the event loop. Answers wait in the order in which they came; one task reads them."""

    def __init__(self, *, method: str, response: type[Message], write: Write, forget: Callable[[], None]) -> None:
        self.method = method
        self.response = response
        self._write = write
        self._forget = forget
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._code: asyncio.Future[grpc.StatusCode] = asyncio.get_running_loop().create_future()

    async def write(self, message: Message) -> None:
        """Send a message of the call. Raises AioRpcError when it is over or the broker is away."""
        if self._code.done():
            raise failed(self._code.result(), "The call is over.")
        await self._write(message)

    async def done_writing(self) -> None:
        await self._write(None)

    async def read(self) -> Any:
        """Return the next answer, or EOF once there are no more. Raises AioRpcError where the call failed."""
        answer = await self._answers.get()
        if isinstance(answer, BaseException):
            self._answers.put_nowait(answer)
            raise answer
        if answer is END:
            self._answers.put_nowait(END)
        return answer

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (answer := await self.read()) is not END:
            yield answer

    async def code(self) -> grpc.StatusCode:
        """Wait for the call's end; return its status."""
        return await asyncio.shield(self._code)

    def cancel(self) -> None:
        """Take no more of it."""
        self.end(grpc.StatusCode.CANCELLED, "The call was cancelled here.")
        self._forget()

    # What the link hands in

    def take(self, answer: Message) -> None:
        if not self._code.done():
            self._answers.put_nowait(answer)

    def end(self, code: grpc.StatusCode, details: str) -> None:
        """Let readers have what came before, and then this end; the first one stays."""
        if self._code.done():
            return
        self._code.set_result(code)
        self._answers.put_nowait(END if code is grpc.StatusCode.OK else failed(code, details))
