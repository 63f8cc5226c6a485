"""`/metrics` of the agent: told to this machine alone, and only where somebody asked for it."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.contracts import runner_pb2 as pb
from agents.runner.config import load_config
from agents.runner.errors import ConfigInvalidError
from agents.runner.metrics import figures_of, serve_metrics, written
from axion_deploy.embedded.ports import free_port
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway

URL = {"AXION_AGENT__CONTROL_PLANE__GRPC_URL": "https://deploy.example:1"}


def samples(text: str) -> Mapping[str, float]:
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: sample.value for sample in found}


@pytest.mark.docker
def test_an_agent_tells_how_it_is(gateway: TestGateway, agent: Agent) -> None:
    agent.terminate()
    port = free_port()
    agent.start(AXION_AGENT__METRICS__BIND=f"127.0.0.1:{port}")
    gateway.condition(lambda each: each.engine_answers)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        told = samples(answer.read().decode())
    assert (told["axion_agent_connected"], told["axion_agent_engine_up"], told["axion_agent_info"]) == (1, 1, 1)
    assert told["process_resident_memory_bytes"] > 1_000_000
    assert told["axion_agent_disk_free_bytes"] <= told["axion_agent_disk_bytes"]


def test_what_is_not_known_is_left_out() -> None:
    told = samples(written(figures_of(condition=None, connected=False, containers=0, commands=2)).decode())
    assert (told["axion_agent_connected"], told["axion_agent_commands"]) == (0, 2)
    assert not told.keys() & {"axion_agent_engine_up", "axion_agent_containers", "axion_agent_disk_bytes"}
    away = figures_of(condition=pb.Condition(fault="x"), connected=True, containers=0, commands=0)
    assert (away["axion_agent_engine_up"][1], away["axion_agent_fault"][1]) == (0, 1)


@pytest.mark.parametrize(
    ("request_line", "host", "status"),
    [
        ("GET /metrics HTTP/1.1", "127.0.0.1:1", b"200"),
        ("GET /metrics HTTP/1.1", "localhost", b"200"),
        ("GET /metrics HTTP/1.1", "rebound.example", b"403"),
        ("GET /metrics HTTP/1.1", "", b"403"),
        ("GET / HTTP/1.1", "localhost", b"404"),
        ("POST /metrics HTTP/1.1", "localhost", b"404"),
        ("\0", "localhost", b"404"),
    ],
)
def test_nothing_else_is_answered(request_line: str, host: str, status: bytes) -> None:
    async def ask() -> bytes:
        async with serve_metrics("127.0.0.1:0", read=dict) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{request_line}\r\nHost: {host}\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(ask()).split(b" ")[1] == status


def test_a_head_without_end_and_a_port_that_is_taken_stop_nothing() -> None:
    async def ask() -> bytes:
        async with serve_metrics("127.0.0.1:0", read=dict) as port:
            async with serve_metrics(f"127.0.0.1:{port}", read=dict) as second:
                assert second == 0
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x" * 100_000)
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(ask()) == b""


@pytest.mark.parametrize("bind", ["0.0.0.0:9470", "example.org:9470", "127.0.0.1", "127.0.0.1:70000", "[::]:1"])
def test_others_are_never_served(bind: str) -> None:
    with pytest.raises(ConfigInvalidError, match=r"metrics\.bind"):
        load_config(path=None, environment={**URL, "AXION_AGENT__METRICS__BIND": bind})
    assert load_config(path=None, environment=URL).metrics_bind == ""
    assert (
        load_config(path=None, environment={**URL, "AXION_AGENT__METRICS__BIND": "[::1]:0"}).metrics_bind == "[::1]:0"
    )
