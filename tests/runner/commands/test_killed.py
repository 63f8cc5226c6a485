"""The runner killed at a bad moment, or told to stop, and started again: it carries on, and nothing happens twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.processes import MARKER, marked
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import DOCKERFILE, PROGRAM, Stack

pytestmark = pytest.mark.docker
Starts = Callable[[], dict[str, int]]
Containers = Callable[[], dict[str, dict[str, Any]]]


def slow_build(gateway: TestGateway, stack: Stack, *, seconds: int = 3) -> Stack:
    """web is built from code, in so many seconds at least, without any layer from a build before."""
    dockerfile = f"{DOCKERFILE}RUN echo {uuid4()} && sleep {seconds}\n"
    bundle = gateway.add_bundle({"main.py": PROGRAM, "Dockerfile": dockerfile})
    return stack.with_service("web", image=f"axion/{stack.name}-web:0123456789abcdef", bundle=bundle)


def numbers(gateway: TestGateway, command: pb.Command) -> list[int]:
    return [report.number for report in gateway.reports[command.command_id]]


def test_in_the_middle_of_a_build(agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts) -> None:
    command = slow_build(gateway, stack).deploy()
    gateway.send(command)
    gateway.until(lambda: "sleep 3" in gateway.log(command.command_id), what="the build's output")
    agent.kill()
    assert marked(f"{agent.state_dir}:")  # the build works on without us
    agent.start()
    finished = gateway.finished(command.command_id)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert starts() == {"d1 db": 1, "d1 web": 1, "d1 worker": 1}
    assert numbers(gateway, command) == list(range(1, len(gateway.reports[command.command_id]) + 1))
    assert marked(f"{agent.state_dir}:") == []
    assert gateway.hellos[-1].unfinished_command_ids == [command.command_id]
    assert len(gateway.bundle_calls) == 1


@pytest.mark.parametrize(("service", "state"), [("db", "starting"), ("db", "running"), ("worker", "running")])
def test_in_the_middle_of_up(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, service: str, state: str
) -> None:
    command = stack.deploy()
    gateway.send(command)
    # A busy agent may look for the first time when it runs already.
    seen = lambda: any(gateway.observed(command.command_id, service, each) for each in (state, "running"))  # noqa: E731
    gateway.until(seen, what=f"{service} {state}")
    agent.kill()
    agent.start()
    finished = gateway.finished(command.command_id)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert starts() == {"d1 db": 1, "d1 web": 1, "d1 worker": 1}
    assert numbers(gateway, command) == list(range(1, len(gateway.reports[command.command_id]) + 1))


def test_while_one_service_is_replaced(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, containers: Containers
) -> None:
    first = stack.deploy()
    gateway.send(first)
    gateway.finished(first.command_id)
    second = stack.with_service("db", version="2").deploy()
    gateway.send(second)
    gateway.until(lambda: "apply" in {r.log.source for r in gateway.reports.get(second.command_id, [])}, what="compose")
    agent.kill()
    agent.start()
    finished = gateway.finished(second.command_id)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert starts() == {"d1 db": 1, "d1 web": 1, "d1 worker": 1, "d2 db": 1}
    assert containers()["db"]["Config"]["Labels"]["axion.deployment"] == second.deployment_id


def test_on_the_way_back(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, starts: Starts
) -> None:
    first = stack.deploy()
    gateway.send(first)
    gateway.finished(first.command_id)
    second = stack.with_service("db", version="2").with_service("worker", mode="sick").deploy()
    gateway.send(second)
    gateway.until(
        lambda: any(r.HasField("restore_started") for r in gateway.reports.get(second.command_id, [])),
        what="the way back",
    )
    agent.kill()
    agent.start()
    finished = gateway.finished(second.command_id)
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "unhealthy", "worker")
    labels = {each["Config"]["Labels"]["axion.deployment"] for each in containers().values()}
    assert labels == {first.deployment_id}
    assert starts()["d2 worker"] == 1
    assert gateway.log(second.command_id).count("Plan:") == 1  # what had failed was not tried again


def test_told_to_stop_it_leaves_within_seconds_and_goes_on_later(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, containers: Containers
) -> None:
    command = stack.deploy()
    gateway.send(command)
    gateway.until(lambda: gateway.observed(command.command_id, "db", "running"), what="db")
    began = time.monotonic()
    assert agent.terminate() == 0
    assert time.monotonic() - began < 5
    assert containers()["db"]["State"]["Running"]
    assert marked(f"{agent.state_dir}:") == []
    agent.start()
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED
    assert starts() == {"d1 db": 1, "d1 web": 1, "d1 worker": 1}


def test_what_a_killed_runner_left_is_ended_before_anything_else(agent: Agent, gateway: TestGateway) -> None:
    gateway.until(lambda: gateway.hellos, what="the first session")
    agent.kill()
    environment = {MARKER: f"{agent.state_dir}:some-command"}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment) as orphan:
        agent.start()
        gateway.until(lambda: len(gateway.hellos) == 2, what="the second session")
        assert orphan.wait(1) == -15


def test_a_second_runner_on_the_same_directory_refuses(agent: Agent, gateway: TestGateway) -> None:
    gateway.until(lambda: gateway.hellos, what="the first runner")
    second = Agent(state_dir=agent.state_dir, port=gateway.port)
    second.start()
    assert second.process is not None
    assert second.process.wait(10) == 2
    assert "Another runner works in" in second.log()
