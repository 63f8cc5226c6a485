"""What agents say that their machines use, stored for all agents at once; the newest of each is enough."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from uuid import UUID

import structlog

from agents.contracts import runner_pb2
from agents.limits import MAX_NAME_BYTES
from agents.reports.report_bounds import cut
from agents.reports.samples import HostSamples, Sample
from agents.transport.ports import OnSamples
from agents.transport.threads import DatabaseThreads
from agents.types import AgentHealth

ROUND_SECONDS = 5.0
# Of one machine; those beyond are not stored.
MAX_SAMPLES = 500
MAX_WHOLE = 2**62

logger = structlog.get_logger(__name__)


class SampleIntake:
    """Lives on the event loop. Holds one message per agent; what a database that is away cannot take is left out."""

    def __init__(
        self, *, threads: DatabaseThreads, on_samples: OnSamples, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._threads = threads
        self._on_samples = on_samples
        self._clock = clock
        self._waiting: dict[UUID, tuple[float, tuple[Sample, ...]]] = {}

    def take(self, *, agent_id: UUID, message: runner_pb2.Samples) -> None:
        """Take what a session says, in place of what waits of this agent."""
        read = tuple(_sample(each) for each in message.samples[:MAX_SAMPLES])
        self._waiting[agent_id] = (self._clock(), read)

    def take_health(self, *, agent_id: UUID, health: AgentHealth) -> None:
        """Take what SendMetrics says of a machine, unless its session said more."""
        host = Sample(
            cpu_percent=_finite(health.cpu_usage),
            memory_bytes=_whole(health.memory_usage),
            disk_bytes=_whole(health.disk_usage),
        )
        self._waiting.setdefault(agent_id, (self._clock(), (host,)))

    async def store_when_due(self) -> None:
        """Wait for a round, then store what came in it."""
        await asyncio.sleep(ROUND_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Store what waits, in one call. Raises what storing raises, and what waited is gone then."""
        taken, self._waiting = self._waiting, {}
        if not taken:
            return
        now = self._clock()
        hosts = [
            HostSamples(agent_id=agent_id, age_seconds=now - at, samples=samples)
            for agent_id, (at, samples) in taken.items()
        ]
        try:
            await self._threads.run(self._on_samples, hosts=hosts)
        except Exception as error:
            logger.warning("what machines use was not stored", agents=len(hosts), error=str(error).strip())
            raise


def _sample(message: runner_pb2.Sample) -> Sample:
    return Sample(
        container=_text(message.container_name),
        project_id=_id(message.project_id),
        node_id=_text(message.node_id),
        service=_text(message.service_name),
        cpu_percent=_finite(message.cpu_percent),
        memory_bytes=_whole(message.memory_bytes),
        memory_limit_bytes=_whole(message.memory_limit_bytes),
        received=_finite(message.received),
        sent=_finite(message.sent),
        read=_finite(message.read),
        written=_finite(message.written),
        disk_bytes=_whole(message.disk_bytes),
    )


def _text(value: str) -> str:
    return cut(value.replace("\0", ""), MAX_NAME_BYTES)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _finite(value: float) -> float:
    """Return it within what a column takes: no number of one agent may spoil the statement that stores all."""
    return min(max(value, 0.0), 1e15) if math.isfinite(value) else 0.0


def _whole(value: int) -> int:
    return min(max(value, 0), MAX_WHOLE)
