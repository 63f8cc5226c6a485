"""Answers each ReadLogs by a call of its own, for as long as the gateway reads it. Belongs to the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import grpc

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_BATCH_BYTES, MAX_BATCH_LINES
from agents.runner.control_plane.client import REFUSALS
from agents.runner.docker.our_containers import OurContainers
from agents.runner.journal.releases import Releases
from agents.runner.logs.reading import LogReading
from agents.runner.logs.values import InSwarm, LogMasking

# More at once would only slow each other.
MAX_READINGS = 8
TICK_SECONDS = 0.2
# Without a line for so long an empty batch says that we are still there.
QUIET_SECONDS = 5.0
MAX_SECONDS = 3600.0
VALUES_SECONDS = 30.0
BUSY = f"The server's agent reads logs for {MAX_READINGS} others already. Try again when one of them is done."
OVER = "Nobody follows for more than an hour at a time: begin again."
logger = logging.getLogger(__name__)
FetchValues = Callable[[str], Awaitable[Mapping[str, str]]]


class LogSender:
    """One for the agent's process; what it sends ends with the session that asked."""

    def __init__(self, *, containers: OurContainers, releases: Releases, in_swarm: InSwarm) -> None:
        self._containers = containers
        self._releases = releases
        self._in_swarm = in_swarm
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, request: pb.ReadLogs, *, stub: Any, metadata: Any, fetch_values: FetchValues) -> None:
        """Begin to answer, beside everything else."""
        task = asyncio.ensure_future(self._answer(request, stub, metadata, fetch_values))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Wait for the end of the session, and end with it all that it asked for."""
        try:
            await asyncio.Event().wait()
        finally:
            for task in self._tasks:
                task.cancel()

    async def _answer(self, request: pb.ReadLogs, stub: Any, metadata: Any, fetch_values: FetchValues) -> None:
        busy = len(self._tasks) > MAX_READINGS
        loop = asyncio.get_running_loop()
        masking = LogMasking(
            releases=self._releases,
            values_of=lambda name: _values(name, fetch_values, loop),
            in_swarm=self._in_swarm,
        )
        reading = LogReading(request=request, containers=self._containers, masking=masking)
        batches = _refusal(request, BUSY) if busy else _batches(request, reading)
        try:
            await stub.StreamLogs(batches, metadata=metadata, timeout=MAX_SECONDS + VALUES_SECONDS)
        except grpc.RpcError as error:
            logger.debug("logs are not read any more: %s", error.code())
        except Exception:  # whatever it is, the session goes on
            logger.exception("logs could not be told")
        finally:
            # Streams are shut down, which may take a moment each.
            threading.Thread(target=reading.close, daemon=True).start()


async def _batches(request: pb.ReadLogs, reading: LogReading) -> AsyncGenerator[pb.LogBatch, None]:
    yield pb.LogBatch(request_id=request.request_id)
    for part in in_parts(await asyncio.to_thread(reading.past)):
        yield pb.LogBatch(lines=part)
    yield pb.LogBatch(caught_up=True, remarks=reading.remarks())
    if request.follow:
        async for batch in _following(reading):
            yield batch


async def _following(reading: LogReading) -> AsyncGenerator[pb.LogBatch, None]:
    threading.Thread(target=reading.follow, name="follow-logs", daemon=True).start()
    loop = asyncio.get_running_loop()
    said, end = loop.time(), loop.time() + MAX_SECONDS
    while loop.time() < end:
        await asyncio.sleep(TICK_SECONDS)
        lines, left_out = reading.live.take()
        remarks = reading.remarks()
        if not (lines or left_out or remarks) and loop.time() - said < QUIET_SECONDS:
            continue
        said = loop.time()
        told = await asyncio.to_thread(reading.told, lines) if lines else []
        first, *others = in_parts(told) or [[]]
        yield pb.LogBatch(lines=first, left_out=left_out, remarks=remarks)
        for part in others:
            yield pb.LogBatch(lines=part)
    yield pb.LogBatch(remarks=[OVER])


async def _refusal(request: pb.ReadLogs, remark: str) -> AsyncGenerator[pb.LogBatch, None]:
    yield pb.LogBatch(request_id=request.request_id, caught_up=True, remarks=[remark])


def in_parts(lines: list[pb.ContainerLine]) -> list[list[pb.ContainerLine]]:
    """Return the lines in parts that fit into a batch each."""
    parts: list[list[pb.ContainerLine]] = []
    size = 0
    for line in lines:
        length = line.ByteSize() + 8
        if not parts or len(parts[-1]) == MAX_BATCH_LINES or size + length > MAX_BATCH_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(line)
        size += length
    return parts


def _values(deployment_id: str, fetch_values: FetchValues, loop: asyncio.AbstractEventLoop) -> Mapping[str, str] | None:
    """Return the deployment's values, for a thread; None where they are refused or cannot be had now."""

    async def fetch() -> Mapping[str, str]:
        return await fetch_values(deployment_id)

    try:
        return asyncio.run_coroutine_threadsafe(fetch(), loop).result(timeout=VALUES_SECONDS)
    except grpc.RpcError as error:
        if error.code() not in REFUSALS:
            logger.warning("the variables of deployment %s could not be had: %s", deployment_id, error.code())
    except TimeoutError:
        logger.warning("the variables of deployment %s could not be had in time", deployment_id)
    return None
