"""Strangers at the agents' gateway: before a credential is known, no call costs it memory."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from agents.contracts import common_pb2, runner_pb2, runner_pb2_grpc
from agents.contracts.version import PROTOCOL
from agents.models import Server
from axion_deploy.embedded.ports import free_port
from tests.agents.conftest import enrol
from tests.agents.gateway.test_gateway_process import database_url
from tests.agents.trust.stage import in_thread
from tests.attacks.inputs import pouring

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
MIB = 1024 * 1024
MAX_GROWTH = 50 * MIB
CALLS = 48
WRONG = (("authorization", "Bearer axa_wrong"),)


@pytest.fixture
def process(transactional_db: None) -> Iterator[tuple[psutil.Process, str]]:
    """The gateway as it is run, and where it listens."""
    bind = f"127.0.0.1:{free_port()}"
    environment = {**os.environ, "AXION_GATEWAY_BIND": bind, "DATABASE_URL": database_url()}
    environment["AXION_GATEWAY_MUTUAL_BIND"] = "127.0.0.1:0"
    command = [sys.executable, "manage.py", "run_agent_gateway"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as running:
        yield psutil.Process(running.pid), bind
        running.kill()


def stub_of(line: grpc.aio.Channel) -> Any:
    return runner_pb2_grpc.RunnerAgentServiceStub(line)  # type: ignore[no-untyped-call]


async def code_of(call: Any) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def filled(size: int) -> dict[str, Any]:
    """Requests of about this size to every kind of call."""
    text = "x" * size
    return {
        "RegisterAgent": runner_pb2.RegisterAgentRequest(agent_token=text),
        "Heartbeat": runner_pb2.HeartbeatRequest(agent_id=text),
        "FetchSecrets": runner_pb2.FetchSecretsRequest(deployment_id=text),
        "DeployProject": runner_pb2.DeployProjectCommand(docker_stack_yml=text),
    }


async def test_large_messages_of_strangers_cost_no_memory(process: tuple[psutil.Process, str]) -> None:
    gateway, place = process
    refused = {
        grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
    }  # fmt: skip
    async with grpc.aio.insecure_channel(place) as line:
        await stub_of(line).HealthCheck(common_pb2.Empty(), wait_for_ready=True, timeout=30)
    before = gateway.memory_info().rss
    for size in (15 * MIB, 500 * 1024):
        requests = filled(size)
        lines = [
            grpc.aio.insecure_channel(place, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(CALLS)
        ]
        calls = [
            code_of(getattr(stub_of(line), name)(requests[name], metadata=WRONG, timeout=30))
            for line in lines
            for name in (requests if size < MIB else ["RegisterAgent"])
        ]
        peak = asyncio.create_task(highest(gateway))
        codes = set(await asyncio.gather(*calls))
        peak.cancel()
        grown = max(gateway.memory_info().rss, await peak) - before
        await asyncio.gather(*(line.close(None) for line in lines))
        assert codes <= refused | {grpc.StatusCode.OK}
        assert grown < MAX_GROWTH, f"{grown / MIB:.0f} MiB by messages of {size} bytes"


async def test_a_message_of_a_gibibyte_is_refused_at_its_beginning(
    process: tuple[psutil.Process, str], server: Server
) -> None:
    """Of an agent that is known, too: it is ended long before it is there, and costs no memory."""
    gateway, place = process
    metadata = (("authorization", f"Bearer {(await in_thread(lambda: enrol(server))).credential}"),)
    known = ("Heartbeat", "SendMetrics", "StreamMetrics", "StreamLogs", "TellContainers", "Session")
    for method in ("RegisterAgent", *known):
        sent, grown, ended = await poured(
            gateway,
            place,
            method,
            metadata=metadata if method in known else (),
            content=pouring.one_message(1024 * MIB),
        )
        assert ended, method
        assert sent < 8 * MIB, method
        assert grown < MAX_GROWTH, f"{method}: {grown / MIB:.0f} MiB"
    async with grpc.aio.insecure_channel(place) as line:
        beat = stub_of(line).Heartbeat(runner_pb2.HeartbeatRequest(), metadata=metadata, timeout=30)
        assert await code_of(beat) is grpc.StatusCode.OK


async def test_a_gibibyte_of_messages_is_read_no_faster_than_any_agent_speaks(
    process: tuple[psutil.Process, str], server: Server
) -> None:
    """Each of them may be said; the sender waits, and nothing is gathered meanwhile."""
    gateway, place = process
    registered = await in_thread(lambda: enrol(server))
    metadata = (("authorization", f"Bearer {registered.credential}"),)
    large = runner_pb2.FromAgent(report=runner_pb2.Report(command_id="x" * (500 * 1024))).SerializeToString()

    def all_of_it() -> Iterator[bytes]:
        hello = runner_pb2.Hello(agent_id=str(registered.agent_id), protocol=PROTOCOL)
        yield runner_pb2.FromAgent(hello=hello).SerializeToString()
        yield from itertools.repeat(large, 1024 * MIB // len(large))

    content = pouring.messages(all_of_it())
    sent, grown, _ = await poured(gateway, place, "Session", metadata=metadata, content=content, seconds=5)
    # What may be said at once, and some of it once more for what went on meanwhile.
    assert MIB < sent < 64 * MIB
    assert grown < MAX_GROWTH, f"{grown / MIB:.0f} MiB"


async def poured(
    gateway: psutil.Process, place: str, method: str, *, metadata: Any, content: Iterator[bytes], seconds: float = 30
) -> tuple[int, int, bool]:
    """How much of it went, by how much the gateway grew at most, and whether it ended the call."""
    async with grpc.aio.insecure_channel(place) as line:
        await stub_of(line).HealthCheck(common_pb2.Empty(), wait_for_ready=True, timeout=30)
    call = pouring.Pouring(place=place, method=f"/axion.runner.RunnerAgentService/{method}", metadata=metadata)
    before, peak = gateway.memory_info().rss, asyncio.create_task(highest(gateway))
    try:
        sent = await asyncio.to_thread(call.pour, content, seconds=seconds)
    finally:
        call.close()
        peak.cancel()
    return sent, await peak - before, call.ended


async def highest(process: psutil.Process) -> int:
    """The most memory it had until this is cancelled."""
    most = 0
    with suppress(asyncio.CancelledError):
        while True:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.02)
    return most
