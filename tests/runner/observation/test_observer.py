"""To whom the agent tells what runs, on a real engine; what is told of each fault: tests/e2e/observing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

docker = pytest.mark.docker
SOON_SECONDS = 60.0


class Told:
    """What the gateway holds of one stack after all that the agent said."""

    def __init__(self, gateway: TestGateway, stack: Stack) -> None:
        self.gateway, self.stack = gateway, stack

    def containers(self) -> list[pb.ContainerSeen]:
        held: dict[str, pb.ContainerSeen] = {}
        for message in tuple(self.gateway.observations):
            if message.whole:
                held = {}
            for gone in message.gone_ids:
                held.pop(gone, None)
            held |= {seen.id: seen for seen in message.containers}
        return [seen for seen in held.values() if seen.stack_name == self.stack.name]

    def becomes(self, condition: Callable[[], Any], *, seconds: float = SOON_SECONDS) -> None:
        self.gateway.until(condition, what="an observation", seconds=seconds)


@pytest.fixture
def deployed(gateway: TestGateway, agent: Agent, stack: Stack) -> Told:
    """All three run, and the gateway was told so."""
    command = stack.deploy()
    gateway.send(command)
    gateway.finished(command.command_id, seconds=90)
    told = Told(gateway, stack)
    told.becomes(lambda: {seen.service_name for seen in told.containers()} == {"db", "web", "worker"}, seconds=30)
    told.becomes(lambda: all(seen.health == "healthy" for seen in told.containers()), seconds=30)
    return told


@docker
def test_whoever_connects_anew_is_told_everything(deployed: Told) -> None:
    gateway = deployed.gateway
    said = len(gateway.observations)
    gateway.disconnect()
    gateway.until(lambda: any(each.whole for each in gateway.observations[said:]), what="a whole look", seconds=30)
    first = next(each for each in gateway.observations[said:] if each.whole)
    assert first.number == 1
    assert {seen.service_name for seen in deployed.containers()} == {"db", "web", "worker"}


@docker
def test_a_gateway_of_before_is_told_nothing(gateway: TestGateway, stack: Stack, tmp_path: Any) -> None:
    gateway.protocol = 2
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start()
    try:
        command = replace(stack, services=stack.services[:1]).deploy()
        gateway.send(command)
        gateway.finished(command.command_id, seconds=90)
        assert gateway.observations == []
    finally:
        agent.terminate()
