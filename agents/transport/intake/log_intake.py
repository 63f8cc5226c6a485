"""Looks at the output of containers: asks the agents that are connected here, and hands on what agents answer.

Nothing here touches the threads, the queue or the pace of reports: a flood of lines slows nobody who deploys.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import grpc
import structlog

from agents.contracts import common_pb2, runner_pb2
from agents.contracts.version import LOGS_PROTOCOL
from agents.limits import MAX_RECEIVED_BYTES
from agents.reports.log_lines import LogBatch, LogReader
from agents.token_bucket import TokenBucket
from agents.transport.callers import Callers
from agents.transport.ports import Bindings
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads
from agents.transport.wire import log_lines

# Of one answer: what an agent sends at most, and half as much again.
BATCHES, BATCHES_PER_SECOND = 60, 15
# How often it is asked whether anybody still reads.
LOOK_SECONDS = 2.0
BEHIND_SECONDS = 0.2
# Requests that wait for a thread; those beyond are answered by nobody, and the reader says so.
MAX_ASKED = 200
TOO_OLD = "The server's agent is too old to read logs. Bring it up to date."
BUSY = "The server's agent has too much to read from us already. Try again."
Call = grpc.aio.ServicerContext[Any, Any]
logger = structlog.get_logger(__name__)


class LogIntake:
    """Lives on the event loop. `threads` is a pool of its own, for calls that only wait for Redis."""

    def __init__(
        self, *, bindings: Bindings, callers: Callers, registry: SessionRegistry, threads: DatabaseThreads
    ) -> None:
        self._bindings = bindings
        self._callers = callers
        self._registry = registry
        self._threads = threads
        self._asking: set[asyncio.Task[None]] = set()

    def ask(self, payload: str) -> None:
        """Pass a request on to its agent, if that is connected here. `payload`: the agent's id and the request's."""
        try:
            agent_id, request_id = map(UUID, payload.split())
        except ValueError:
            return
        if self._registry.session_of(agent_id=agent_id) is None or len(self._asking) >= MAX_ASKED:
            return
        task = asyncio.ensure_future(self._ask(agent_id, request_id))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, agent_id: UUID, request_id: UUID) -> None:
        try:
            request = await self._threads.run(self._bindings.log_request, request_id=request_id, agent_id=agent_id)
            session = self._registry.session_of(agent_id=agent_id)
            if request is None or session is None:
                return
            refusal = TOO_OLD if session.hello.protocol < LOGS_PROTOCOL else "" if session.has_room else BUSY
            if not refusal:
                session.offer(log_lines.request_to_wire(request))
                return
            batch = LogBatch(remarks=(refusal,), caught_up=True, over=True)
            await self._hand_on(request_id, agent_id, batch)
        except Exception:  # who asked is told by its own deadline
            logger.exception("logs not asked for", agent_id=str(agent_id))

    async def answer(self, batches: AsyncIterator[runner_pb2.LogBatch], context: Call) -> common_pb2.Empty:
        """Hand on one answer until it is over or nobody reads it. An agent that is faster than its reader waits."""
        agent, _ = await self._callers.agent(context)
        pace = TokenBucket(burst=BATCHES, per_second=BATCHES_PER_SECOND)
        request_id: UUID | None = None
        reading: asyncio.Future[Any] | None = None
        try:
            while True:
                reading = reading or asyncio.ensure_future(_next(batches))
                await asyncio.wait({reading}, timeout=LOOK_SECONDS)
                if not reading.done():
                    if request_id is None or not await self._is_read(request_id, agent.id):
                        return common_pb2.Empty()
                    continue
                message, reading = reading.result(), None
                if message is None:
                    break
                request_id = request_id or _id_of(message)
                if request_id is None or message.ByteSize() > MAX_RECEIVED_BYTES:
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The message answers no request.")
                await pace.spend(1)
                if not await self._hand_on(request_id, agent.id, log_lines.batch_from_wire(message)):
                    return common_pb2.Empty()
        finally:
            if reading is not None:
                reading.cancel()
            if request_id is not None:
                await self._threads.run(
                    self._bindings.on_log_batch, request_id=request_id, agent_id=agent.id, batch=LogBatch(over=True)
                )
        return common_pb2.Empty()

    async def _is_read(self, request_id: UUID, agent_id: UUID) -> bool:
        state = await self._threads.run(
            self._bindings.on_log_batch, request_id=request_id, agent_id=agent_id, batch=None
        )
        return state is not LogReader.HAS_GONE

    async def _hand_on(self, request_id: UUID, agent_id: UUID, batch: LogBatch) -> bool:
        """Hand it on and wait while the reader is behind; whether anybody reads."""
        state = await self._threads.run(
            self._bindings.on_log_batch, request_id=request_id, agent_id=agent_id, batch=batch
        )
        while state is LogReader.IS_BEHIND:
            await asyncio.sleep(BEHIND_SECONDS)
            state = await self._threads.run(
                self._bindings.on_log_batch, request_id=request_id, agent_id=agent_id, batch=None
            )
        return state is LogReader.READS


async def _next(batches: AsyncIterator[runner_pb2.LogBatch]) -> runner_pb2.LogBatch | None:
    return await anext(batches, None)


def _id_of(message: runner_pb2.LogBatch) -> UUID | None:
    try:
        return UUID(message.request_id)
    except ValueError:
        return None
