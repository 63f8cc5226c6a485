"""What the machine uses is told while Docker is away, too; how counters become rates."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import SAMPLING_PROTOCOL
from agents.runner.docker.engine import Engine
from agents.runner.docker.our_containers import OurContainers
from agents.runner.errors import EngineAwayError
from agents.runner.observation.sampling import Sampler, SampleSender
from agents.runner.planning.usage import Counters, counters_of, memory_of, rates_between


def test_rates_are_of_what_passed() -> None:
    before = Counters(at=10, cpu_seconds=1, received=100)
    rates = rates_between(before, Counters(at=20, cpu_seconds=6, received=1100))
    assert rates is not None
    assert (rates.cpu_percent, rates.received) == (50.0, 100.0)
    assert rates_between(None, before) is None
    assert rates_between(before, Counters(at=20, cpu_seconds=0.5)) is None


@pytest.mark.parametrize("files", ["inactive_file", "total_inactive_file"])
def test_memory_is_without_what_could_go(files: str) -> None:
    assert memory_of({"memory_stats": {"usage": 100, "limit": 500, "stats": {files: 30}}}) == (70, 500)
    assert memory_of({}) == (0, 0)
    assert counters_of({"blkio_stats": {"io_service_bytes_recursive": None}}, at=1) == Counters(at=1)


class Nobody(OurContainers):
    def running(self) -> list[object]:  # type: ignore[override]  # raises
        raise EngineAwayError("away")


def test_while_docker_is_away_the_machine_is_told(tmp_path: Path) -> None:
    sampler = Sampler(containers=Nobody(engine=Engine()), state_dir=tmp_path, clock=time.monotonic)
    sampler.sample()
    deadline = time.monotonic() + 30
    while not (found := sampler.sample().samples):
        assert time.monotonic() < deadline
    (machine,) = found
    assert machine.container_name == ""
    assert 0 < machine.memory_bytes < machine.memory_limit_bytes
    assert machine.disk_bytes > 0


@pytest.mark.asyncio
@pytest.mark.parametrize("protocol", [SAMPLING_PROTOCOL - 1, SAMPLING_PROTOCOL])
async def test_a_gateway_of_before_is_told_nothing(protocol: int, tmp_path: Path) -> None:
    sampler = Sampler(containers=Nobody(engine=Engine()), state_dir=tmp_path, clock=time.monotonic)
    written: asyncio.Queue[pb.FromAgent] = asyncio.Queue()
    task = asyncio.ensure_future(SampleSender(sampler=sampler).run(written.put, protocol=protocol))
    if protocol >= SAMPLING_PROTOCOL:
        assert (await asyncio.wait_for(written.get(), 30)).WhichOneof("message") == "samples"
    else:
        await asyncio.sleep(0)
        assert written.empty()
    task.cancel()
