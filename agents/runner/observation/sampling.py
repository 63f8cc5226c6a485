"""What the machine and our containers use, every ten seconds; nothing is kept while nobody is connected."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import SAMPLING_PROTOCOL
from agents.limits import MAX_NAME_BYTES, MAX_WORD_BYTES
from agents.reports.report_bounds import cut
from agents.runner.docker.our_containers import OurContainers
from agents.runner.errors import EngineAwayError
from agents.runner.machine import memory, processor_times
from agents.runner.planning.model import COMPOSE_SERVICE, LABEL_NODE, LABEL_PROJECT
from agents.runner.planning.usage import Counters, Rates, counters_of, memory_of, rates_between

SAMPLE_SECONDS = 10.0
# Of one machine; a reading takes Docker about a millisecond.
MAX_SAMPLED = 200
# A round that takes longer ends with what it has.
MAX_ROUND_SECONDS = 5.0
logger = logging.getLogger(__name__)


class Sampler:
    """Keeps the last reading of each container, for what was used since. For one thread at a time."""

    def __init__(self, *, containers: OurContainers, state_dir: Path, clock: Callable[[], float]) -> None:
        self._containers = containers
        self._state_dir = state_dir
        self._clock = clock
        self._before: dict[str, Counters] = {}
        self._machine: Counters | None = None

    def sample(self) -> pb.Samples:
        """Return what was used since the last call; of the containers nothing while Docker does not answer."""
        try:
            samples = self._of_containers()
        except EngineAwayError as error:
            logger.debug("what containers use is not known: %s", error)
            samples = []
        machine = self._of_machine()
        return pb.Samples(samples=[*([machine] if machine else []), *samples])

    def _of_containers(self) -> list[pb.Sample]:
        until = self._clock() + MAX_ROUND_SECONDS
        seen: dict[str, Counters] = {}
        samples = []
        for listed in self._containers.running()[:MAX_SAMPLED]:
            if self._clock() > until:
                break
            stats = self._containers.used(listed["Id"])
            if stats is None:
                continue
            now = seen[listed["Id"]] = counters_of(stats, at=self._clock())
            rates = rates_between(self._before.get(listed["Id"]), now)
            if rates is not None:
                samples.append(_named(listed, _sample(rates, *memory_of(stats))))
        self._before = seen
        return samples

    def _of_machine(self) -> pb.Sample | None:
        busy, total = processor_times()
        processors = os.cpu_count() or 1
        # Ticks of all processors together; by their own sum they need no clock.
        now = Counters(at=total / processors, cpu_seconds=float(busy))
        rates, self._machine = rates_between(self._machine, now), now
        if rates is None:
            return None
        total_memory, available = memory()
        sample = _sample(rates, total_memory - available, total_memory)
        sample.disk_bytes = shutil.disk_usage(self._state_dir).used
        return sample


class SampleSender:
    """Tells one gateway after the other what the sampler reads."""

    def __init__(self, *, sampler: Sampler) -> None:
        self._sampler = sampler

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Send samples until cancelled, in a session with a gateway that speaks this protocol."""
        while True:
            if protocol >= SAMPLING_PROTOCOL:
                try:
                    samples = await asyncio.to_thread(self._sampler.sample)
                except Exception as error:  # whatever it is, the session and the next round go on
                    logger.warning("what this machine uses is not known: %s", error)
                else:
                    await write(pb.FromAgent(samples=samples))
            await asyncio.sleep(SAMPLE_SECONDS)


def _sample(rates: Rates, memory_bytes: int, limit: int) -> pb.Sample:
    return pb.Sample(
        cpu_percent=rates.cpu_percent,
        memory_bytes=memory_bytes,
        memory_limit_bytes=limit,
        received=rates.received,
        sent=rates.sent,
        read=rates.read,
        written=rates.written,
    )


def _named(listed: Mapping[str, Any], sample: pb.Sample) -> pb.Sample:
    labels = listed.get("Labels") or {}
    sample.container_name = cut((listed.get("Names") or [""])[0].lstrip("/"), MAX_NAME_BYTES)
    sample.project_id = cut(labels.get(LABEL_PROJECT, ""), MAX_WORD_BYTES)
    sample.node_id = cut(labels.get(LABEL_NODE, ""), MAX_NAME_BYTES)
    sample.service_name = cut(labels.get(COMPOSE_SERVICE, ""), MAX_NAME_BYTES)
    return sample
