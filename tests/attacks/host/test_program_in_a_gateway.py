"""Somebody who may deploy brings a gateway of an own image, whose program speaks without end.

It costs everybody else's agent no memory, and no lane.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent, agent, base_image, engine, gateway, stack
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

__all__ = ["agent", "base_image", "engine", "gateway", "stack"]
pytestmark = pytest.mark.docker
MAX_GROWTH = 30 * 1024 * 1024
CADDYFILE = """
{
	admin 127.0.0.1:2019
}
http:// {
	bind 127.0.0.1
	reverse_proxy worker:8000 {
	}
}
"""
ENDLESS = "#!/bin/sh\nexec yes 'this is what a gateway says for ever and ever'\n"


@pytest.fixture
def image(base_image: str, tmp_path: Path, engine: Any) -> Iterator[str]:
    tag = f"axion-test-attack/gateway:{uuid4().hex[:8]}"
    folder = tmp_path / "image"
    folder.mkdir()
    for name in ("caddy", "wget"):
        (folder / name).write_text(ENDLESS)
        (folder / name).chmod(0o755)
    (folder / "Dockerfile").write_text(f"FROM {base_image}\nCOPY caddy wget /usr/local/bin/\n")
    subprocess.run(["docker", "build", "-q", "-t", tag, str(folder)], check=True, capture_output=True)
    yield tag
    engine.remove_image(tag, force=True)


def order(stack: Stack) -> pb.Command:
    command = stack.deploy()
    command.deploy.files["Caddyfile.web"] = CADDYFILE
    for spec in command.deploy.services:
        spec.starts_first = spec.name == "worker"
    return command


@contextmanager
def watched(process: psutil.Process) -> Iterator[list[int]]:
    """The resident sizes of the process meanwhile."""
    sizes, over = [process.memory_info().rss], threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            sizes.append(process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()


def test_it_costs_the_agent_no_memory_and_holds_no_lane(
    agent: Agent, gateway: TestGateway, stack: Stack, image: str
) -> None:
    evil = replace(stack.with_service("web", image=image), window=0)
    assert deploy(gateway, order(evil)).outcome == pb.SUCCEEDED
    assert agent.process is not None
    command = order(evil.with_service("worker", version="2"))
    began = time.monotonic()
    with watched(psutil.Process(agent.process.pid)) as sizes:
        finished = deploy(gateway, command)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert "The gateway" in gateway.log(command.command_id)
    assert "goes by names" in gateway.log(command.command_id)
    assert max(sizes) - sizes[0] < MAX_GROWTH
    assert time.monotonic() - began < 50
