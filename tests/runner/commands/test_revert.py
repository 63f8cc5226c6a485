"""Revert: the work stops, what ran before is back, and Docker says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.processes import marked
from tests.runner.commands.test_deploy import deploy, ids, left_behind
from tests.runner.commands.test_killed import slow_build
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
Containers = Callable[[], dict[str, dict[str, Any]]]


def test_during_a_build_nothing_is_left(agent: Agent, gateway: TestGateway, stack: Stack, engine: Any) -> None:
    built = slow_build(gateway, stack)
    command = built.deploy()
    gateway.send(command)
    gateway.until(lambda: "sleep 3" in gateway.log(command.command_id), what="the build's output")
    reverted = deploy(gateway, stack.revert(command))
    stopped = gateway.finished(command.command_id)
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.RESTORED, False)
    assert (stopped.outcome, stopped.reason) == (pb.FAILED, "cancelled")
    assert left_behind(engine, stack) == []
    assert marked(f"{agent.state_dir}:") == []
    assert engine.images(name=f"axion/{stack.name}-web") == []


def test_during_up_of_a_first_deployment_nothing_is_left(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any
) -> None:
    command = stack.deploy()
    gateway.send(command)
    gateway.until(lambda: gateway.observed(command.command_id, "db", "running"), what="db")
    reverted = deploy(gateway, stack.revert(command))
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.RESTORED, False)
    assert left_behind(engine, stack) == []


def test_during_a_second_deployment_the_first_is_back(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    first = stack.deploy()
    deploy(gateway, first)
    before = ids(containers)
    command = stack.with_service("db", version="2").with_service("worker", version="2").deploy()
    gateway.send(command)
    gateway.until(lambda: gateway.observed(command.command_id, "db", "running"), what="db")
    reverted = deploy(gateway, stack.revert(command))
    assert (reverted.outcome, reverted.reason, reverted.previous_stack_running) == (pb.RESTORED, "cancelled", True)
    assert ids(containers)["web"] == before["web"]
    labels = {each["Config"]["Labels"]["axion.deployment"] for each in containers().values()}
    assert labels == {first.deployment_id}


def test_a_late_revert_takes_a_success_back(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    first, second = stack.deploy(), stack.with_service("web", version="2").deploy()
    deploy(gateway, first)
    assert deploy(gateway, second).outcome == pb.SUCCEEDED
    reverted = deploy(gateway, stack.revert(second))
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.RESTORED, True)
    assert containers()["web"]["Config"]["Labels"]["axion.deployment"] == first.deployment_id
    now = ids(containers)
    again = deploy(gateway, stack.revert(second))
    assert again.outcome == pb.RESTORED
    assert ids(containers) == now


def test_of_a_deployment_that_never_began(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = ids(containers)
    reverted = deploy(gateway, stack.revert(stack.deploy()))
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.RESTORED, True)
    assert len(reverted.services) == 3
    assert ids(containers) == before


def test_killed_before_the_revert_was_done(agent: Agent, gateway: TestGateway, stack: Stack, engine: Any) -> None:
    command = stack.deploy()
    gateway.send(command)
    gateway.until(lambda: gateway.observed(command.command_id, "db", "running"), what="db")
    revert = stack.revert(command)
    gateway.send(revert)
    gateway.until(lambda: gateway.acknowledged(revert.command_id), what="the acknowledgement")
    agent.kill()
    agent.start()
    assert gateway.finished(revert.command_id).outcome == pb.RESTORED
    assert gateway.finished(command.command_id).reason == "cancelled"
    assert left_behind(engine, stack) == []
