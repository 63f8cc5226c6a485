"""Whose call is read at all. gRPC reads the message of a unary call before its handler runs; here the caller is asked
first, by what stands in front of the message, and no more is read than the call may say.

Session looks after itself: it authenticates before it reads.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import grpc
from google.protobuf.message import DecodeError

from agents.contracts import common_pb2
from agents.errors import AgentError, TooManyTries
from agents.limits import KIB, MAX_CALL_BYTES, MAX_RECEIVED_BYTES
from agents.transport.callers import Callers, address_of
from agents.transport.failures import wire_status
from agents.transport.ports import EnrolmentWait
from agents.transport.threads import DatabaseThreads
from agents.transport.trust.open_calls import OpenCalls, refuse

MESSAGE_SECONDS = 10.0
# Messages of callers that are not known yet which are read at the same time.
MAX_UNKNOWN_READS = 16
MAX_CALLS_PER_CALLER = 32
MAX_BUNDLES = 8
# What it tells may be as large as a message of a session.
TELLING = "TellContainers"
AGENTS = frozenset(
    {
        "Heartbeat",
        "SendMetrics",
        "StreamMetrics",
        "FetchBundle",
        "FetchSecrets",
        "StreamLogs",
        "OfferJoinToken",
        TELLING,
    }
)
OPEN = frozenset({"HealthCheck"})
ENROLLING = "RegisterAgent"
Call = grpc.aio.ServicerContext[Any, Any]
Incoming = AsyncIterator[bytes]
if TYPE_CHECKING:
    Interceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    Interceptor = grpc.aio.ServerInterceptor


class TooLarge(AgentError):
    """The message is larger than this call takes."""

    code = "RATE_LIMIT_EXCEEDED"


class TooManyCalls(AgentError):
    """One caller holds as many calls as anybody may."""

    code = "RATE_LIMIT_EXCEEDED"
    sentence = f"At most {MAX_CALLS_PER_CALLER} calls of one caller are answered at the same time."


class Unreadable(AgentError):
    """The bytes are no message of this call."""

    code = "VALIDATION_ERROR"
    sentence = "The message cannot be read."


class Admission(Interceptor):
    """Turns every unary call into one that reads its message itself, when it is the message's turn."""

    def __init__(
        self, *, callers: Callers, threads: DatabaseThreads, enrolment_wait: EnrolmentWait, open_calls: OpenCalls
    ) -> None:
        self._callers = callers
        self._open_calls = open_calls
        self._threads = threads
        self._enrolment_wait = enrolment_wait
        self._reading = asyncio.Semaphore(MAX_UNKNOWN_READS)
        self._bundles = asyncio.Semaphore(MAX_BUNDLES)
        self._calls: Counter[bytes] = Counter()

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        handler = await continuation(handler_call_details)
        name = handler_call_details.method.rpartition("/")[2]
        if handler is None or name == "Session":
            return handler
        if handler.request_streaming:
            return self._streaming(handler, name)
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(self._many(handler, name), None, handler.response_serializer)
        return grpc.stream_unary_rpc_method_handler(self._one(handler, name), None, handler.response_serializer)

    def _one(self, handler: Any, name: str) -> Any:
        async def admitted(messages: Incoming, context: Call) -> Any:
            if name in OPEN:
                return await handler.unary_unary(common_pb2.Empty(), context)
            async with self._admitted(name, context):
                request = await self._message(handler, name, messages, context)
                return await handler.unary_unary(request, context)

        return admitted

    def _many(self, handler: Any, name: str) -> Any:
        async def admitted(messages: Incoming, context: Call) -> AsyncIterator[Any]:
            who = await self._who(name, context)
            async with self._seat(who, context):
                with self._open_calls.noted(agent_id=UUID(bytes=who), context=context) as ended:
                    request = await self._message(handler, name, messages, context)
                    async with self._bundles:
                        async for each in handler.unary_stream(request, context):
                            if ended.is_set():
                                await refuse(context)
                            yield each

        return admitted

    def _streaming(self, handler: Any, name: str) -> Any:
        async def admitted(messages: AsyncIterator[Any], context: Call) -> Any:
            async with self._admitted(name, context):
                return await handler.stream_unary(messages, context)

        return grpc.stream_unary_rpc_method_handler(admitted, handler.request_deserializer, handler.response_serializer)

    @asynccontextmanager
    async def _admitted(self, name: str, context: Call) -> AsyncIterator[None]:
        """Let the caller's call be answered, for as long as it may have one."""
        who = await self._who(name, context)
        interrupted: AbstractAsyncContextManager[None] = nullcontext()
        if name in AGENTS:
            interrupted = self._open_calls.interrupted(agent_id=UUID(bytes=who), context=context)
        async with self._seat(who, context), interrupted:
            yield

    async def _who(self, name: str, context: Call) -> bytes:
        """Return what stands for the caller; abort the call of nobody."""
        if name == ENROLLING:
            address = address_of(context)
            wait = await self._threads.run(self._enrolment_wait, address=address)
            if wait:
                await _abort(
                    context, TooManyTries(f"Too many tries to enrol from this address. Try again in {wait} s.")
                )
            return address.encode()
        if name in AGENTS:
            return (await self._callers.agent_for_heartbeat(context)).id.bytes
        return (await self._callers.admit_user(context)).bytes

    async def _message(self, handler: Any, name: str, messages: Incoming, context: Call) -> Any:
        try:
            async with asyncio.timeout(MESSAGE_SECONDS), self._reading if name == ENROLLING else nullcontext():
                content = await anext(messages, None)
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "No message came.")
        is_small = (name in AGENTS or name == ENROLLING) and name != TELLING
        limit = MAX_CALL_BYTES if is_small else MAX_RECEIVED_BYTES
        if content is not None and len(content) > limit:
            message = f"The message is {len(content) // KIB} KiB; {name} takes at most {limit // KIB} KiB."
            await _abort(context, TooLarge(message))
        try:
            return handler.request_deserializer(content or b"")
        except DecodeError:
            await _abort(context, Unreadable())

    @asynccontextmanager
    async def _seat(self, caller: bytes, context: Call) -> AsyncIterator[None]:
        """Hold one of the calls that a caller may have at the same time."""
        if self._calls[caller] >= MAX_CALLS_PER_CALLER:
            await _abort(context, TooManyCalls())
        self._calls[caller] += 1
        try:
            yield
        finally:
            self._calls[caller] -= 1
            if not self._calls[caller]:
                del self._calls[caller]


async def _abort(context: Call, error: AgentError) -> NoReturn:
    await context.abort(wire_status(error), error.message)
