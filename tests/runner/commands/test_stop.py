"""Stop: a deployment without services. Containers and networks go, volumes stay, and it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.docker_events import heard_events
from tests.runner.commands.test_deploy import deploy, deployment_of
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
Containers = Callable[[], dict[str, dict[str, Any]]]


def label(stack: Stack) -> str:
    return f"com.docker.compose.project={stack.name}"


def volumes_of(engine: Any, stack: Stack) -> list[str]:
    return sorted(each["Name"] for each in engine.volumes(filters={"label": label(stack)})["Volumes"] or ())


def test_all_of_it_goes_in_reverse_order_and_volumes_stay(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any, containers: Containers
) -> None:
    hasty = stack.with_service("web", mode="slow", grace=1)
    deploy(gateway, hasty.deploy())
    volumes = volumes_of(engine, stack)
    with heard_events(label=label(stack), event="die") as died:
        finished = deploy(gateway, stack.stop())
        ends = [(each["axion.service"], each["exitCode"]) for each in died()]
    assert (finished.outcome, list(finished.services)) == (pb.SUCCEEDED, []), finished
    # web was given the one second it asks for, and not the three it would have taken.
    assert (ends[0], sorted(ends[1:])) == (("worker", "0"), [("db", "0"), ("web", "137")])
    assert containers() == {}
    assert engine.networks(filters={"label": label(stack)}) == []
    assert volumes_of(engine, stack) == volumes != []
    # From now on the empty stack is what runs: going back to it removes what a failure left.
    failed = deploy(gateway, stack.with_service("web", mode="sick").deploy())
    assert (failed.outcome, failed.reason, failed.previous_stack_running) == (pb.RESTORED, "unhealthy", False)
    assert containers() == {}
    assert engine.networks(filters={"label": label(stack)}) == []
    assert volumes_of(engine, stack) == volumes


def stopping(gateway: TestGateway, stack: Stack) -> tuple[pb.Command, pb.Command]:
    """A stack that was deployed and is being stopped: worker is gone, db takes its time."""
    services = tuple(service for service in stack.services if service.name != "web")
    first = replace(stack, services=services).with_service("db", mode="slow").deploy()
    assert deploy(gateway, first).outcome == pb.SUCCEEDED
    stop = stack.stop()
    gateway.send(stop)
    gateway.until(lambda: "Stopping db" in gateway.log(stop.command_id), what="the stop")
    return first, stop


def test_cancelled_in_the_middle_all_of_it_is_back(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    first, stop = stopping(gateway, stack)
    reverted = deploy(gateway, stack.revert(stop))
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.RESTORED, True), reverted
    assert gateway.finished(stop.command_id).reason == "cancelled"
    assert {name: deployment_of(each) for name, each in containers().items()} == dict.fromkeys(
        ("db", "worker"), first.deployment_id
    )


def test_killed_in_the_middle_it_goes_on(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any, containers: Containers
) -> None:
    with heard_events(label=label(stack), event="destroy") as gone:
        _, stop = stopping(gateway, stack)
        agent.kill()
        agent.start()
        finished = gateway.finished(stop.command_id)
        destroyed = sorted(each["axion.service"] for each in gone())
    assert finished.outcome == pb.SUCCEEDED, finished
    assert destroyed == ["db", "worker"]
    assert containers() == {}
    assert engine.networks(filters={"label": label(stack)}) == []
