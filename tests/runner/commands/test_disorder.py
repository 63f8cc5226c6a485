"""Commands that come twice, late or in another order, and an agent that slept: one effect, by Docker's own events."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy, deployment_of
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
Starts = Callable[[], dict[str, int]]
Containers = Callable[[], dict[str, dict[str, Any]]]


def answers(gateway: TestGateway, command: pb.Command, *, count: int) -> list[pb.CommandAcknowledged]:
    gateway.until(lambda: len(gateway.acknowledged(command.command_id)) >= count, what=f"{count} answers")
    return gateway.acknowledged(command.command_id)


def test_sent_again_and_again_and_out_of_order_each_is_done_once(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts
) -> None:
    stack = replace(stack, services=stack.services[1:2])
    first, second = stack.deploy(), stack.with_service("web", version="2").deploy()
    for command in (first, first, second, first, second, second):
        gateway.send(command)
    assert gateway.finished(second.command_id).outcome == pb.SUCCEEDED
    assert gateway.finished(first.command_id).outcome == pb.SUCCEEDED
    gateway.disconnect()
    gateway.until(lambda: len(gateway.hellos) == 2, what="the second session")
    for command in (second, first):
        gateway.send(command)
    assert all(each.accepted for each in answers(gateway, first, count=4))
    assert all(each.accepted for each in answers(gateway, second, count=4))
    assert starts() == {"d1 web": 1, "d2 web": 1}


def test_a_deployment_that_comes_after_its_own_revert_is_not_begun(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts
) -> None:
    command = stack.deploy()
    reverted = deploy(gateway, stack.revert(command))
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.RESTORED, False)
    gateway.send(command)
    (refused,) = answers(gateway, command, count=1)
    assert (refused.accepted, refused.refusal) == (False, "stale_number")
    assert starts() == {}


def test_an_agent_that_slept_finds_what_it_did_overtaken(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, containers: Containers
) -> None:
    """The control plane gave up on it and went on; what it has in hand when it wakes must not be finished."""
    first = stack.with_service("worker", mode="sick").deploy()
    gateway.send(first)
    gateway.until(lambda: gateway.observed(first.command_id, "db", "running"), what="db")
    assert agent.process is not None
    agent.process.send_signal(signal.SIGSTOP)
    second = stack.with_service("web", version="2")
    revert, newer = second.revert(first), second.deploy()
    for command in (revert, newer, first):
        gateway.send(command)
    agent.process.send_signal(signal.SIGCONT)
    assert gateway.finished(newer.command_id).outcome == pb.SUCCEEDED
    assert gateway.finished(first.command_id).reason in ("cancelled", "unhealthy")
    assert gateway.finished(revert.command_id).outcome == pb.RESTORED
    late = starts()
    assert {name: count for name, count in late.items() if name.startswith("d3")} == {
        "d3 db": 1,
        "d3 web": 1,
        "d3 worker": 1,
    }
    assert {deployment_of(each) for each in containers().values()} == {newer.deployment_id}
    gateway.send(first)
    answers(gateway, first, count=3)
    assert starts() == late
