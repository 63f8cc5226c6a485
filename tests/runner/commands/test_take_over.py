"""Containers of others are stopped for a stack that can start, and run again when it fails, whoever dies meanwhile."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
ALLOWED = {"AXION_AGENT__POLICY__ADOPT": "true"}


@dataclass(frozen=True)
class Former:
    """A container with a volume that somebody started by hand; it takes three seconds to stop."""

    engine: Any
    name: str
    id: str

    def seen(self) -> tuple[bool, str]:
        """Whether it runs, and whether it starts by itself."""
        found = self.engine.inspect_container(self.id)
        return found["State"]["Running"], found["HostConfig"]["RestartPolicy"]["Name"]


@pytest.fixture
def former(engine: Any, base_image: str) -> Iterator[Former]:
    name = f"axion-former-{uuid4().hex[:8]}"
    words = ["--restart", "always", "-e", "MODE=slow", "-e", f"PASSWORD={name}-secret", "-v", f"{name}:/data"]
    command = ["docker", "run", "-d", "--name", name, *words, base_image]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    yield Former(engine=engine, name=name, id=made.stdout.strip())
    engine.remove_container(name, force=True)
    engine.remove_volume(name)


def taking(stack: Stack, former: Former) -> pb.Command:
    command = stack.deploy()
    command.deploy.takes_over.add(id=former.id, name=former.name)
    command.deploy.adopted_volumes.append(former.name)
    return command


def wait_until(former: Former, state: tuple[bool, str], *, seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while former.seen() != state:
        assert time.monotonic() < give_up_at, former.seen()
        time.sleep(0.02)


@pytest.fixture
def started(gateway: TestGateway, tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start(**ALLOWED)
    yield agent
    if agent.process is not None and agent.process.poll() is None:
        agent.terminate()


def test_nothing_is_told_or_touched_without_leave(
    agent: Agent, gateway: TestGateway, stack: Stack, former: Former
) -> None:
    for command in (taking(stack, former), stack.inspect()):
        gateway.send(command)
        finished = gateway.finished(command.command_id)
        assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid"), finished
        assert "policy.adopt" in finished.message
    assert former.seen() == (True, "always")
    assert gateway.described == {}


def test_it_is_described_by_a_call_alone_and_taken_over_by_an_agent_that_dies(
    started: Agent, gateway: TestGateway, stack: Stack, former: Former, engine: Any, base_image: str
) -> None:
    command = stack.inspect()
    gateway.send(command)
    finished = gateway.finished(command.command_id)
    assert finished.outcome == pb.SUCCEEDED, finished
    told = json.loads(gateway.described[command.command_id])["containers"]
    found = next(each for each in told if each["id"] == former.id)
    assert f"PASSWORD={former.name}-secret" in found["config"]["Env"]
    assert [(each["Type"], each["Name"]) for each in found["mounts"]] == [("volume", former.name)]
    journal = b"".join(file.read_bytes() for file in started.state_dir.rglob("*") if file.is_file())
    assert f"{former.name}-secret" not in f"{finished}{started.log()}{journal!r}"
    _refuse_while_it_is_open_elsewhere(gateway, stack, former, engine, base_image)

    order = taking(stack, former)
    gateway.send(order)
    wait_until(former, (True, "no"))
    started.kill()
    started.start(**ALLOWED)
    assert gateway.finished(order.command_id).outcome == pb.SUCCEEDED
    assert former.seen() == (False, "no")


def _refuse_while_it_is_open_elsewhere(
    gateway: TestGateway, stack: Stack, former: Former, engine: Any, base_image: str
) -> None:
    other = f"{former.name}-other"
    command = ["docker", "run", "-d", "--name", other, "-v", f"{former.name}:/x", base_image]
    subprocess.run(command, check=True, capture_output=True)
    try:
        order = taking(stack, former)
        gateway.send(order)
        finished = gateway.finished(order.command_id)
        assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid"), finished
        assert f"is open in {other}" in finished.message
        assert former.seen() == (True, "always")
    finally:
        engine.remove_container(other, force=True)


def test_a_cancel_starts_it_again_once_the_new_ones_are_gone(
    started: Agent, gateway: TestGateway, stack: Stack, former: Former, engine: Any
) -> None:
    command = taking(stack.with_service("worker", mode="sick"), former)
    gateway.send(command)
    wait_until(former, (False, "no"))
    started.kill()
    started.start(**ALLOWED)
    gateway.until(lambda: len(gateway.hellos) == 2, what="the agent's return")
    revert = stack.revert(command)
    gateway.send(revert)
    finished = gateway.finished(revert.command_id)
    assert finished.outcome == pb.RESTORED, finished
    assert f"What it had taken over runs again: {former.name}." in finished.message
    assert former.seen() == (True, "always")
    label = f"com.docker.compose.project={stack.name}"
    assert engine.containers(all=True, filters={"label": label}) == []
