"""Strangers at the agents' gateway: before a credential is known, no call costs it memory."""

from __future__ import annotations

import asyncio
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
from axion_deploy.embedded.ports import free_port
from tests.agents.gateway.test_gateway_process import database_url

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


async def highest(process: psutil.Process) -> int:
    """The most memory it had until this is cancelled."""
    most = 0
    with suppress(asyncio.CancelledError):
        while True:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.02)
    return most
