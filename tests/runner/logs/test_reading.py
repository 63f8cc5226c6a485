"""What containers write is read on the host when somebody looks, masked, with nothing that slows who deploys."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

Containers = Callable[[], dict[str, dict[str, Any]]]
PASSWORD = "correct-horse-battery"
WRITE = "import sys; f = open('/proc/1/fd/1', 'w'); [f.write(sys.argv[2] % i) for i in range(int(sys.argv[1]))]"


def request(stack: Stack, **changes: Any) -> pb.ReadLogs:
    fields = {"request_id": str(uuid4()), "project_id": stack.project_id, "lane": stack.project_id, "tail": 100}
    return pb.ReadLogs(**{**fields, **changes})


def write(engine: Any, container: dict[str, Any], text: str, times: int = 1) -> None:
    """Have the container write a line so many times, as its own program would."""
    made = engine.exec_create(container["Id"], ["python", "-c", WRITE, str(times), text])
    engine.exec_start(made["Id"])


def deployed(gateway: TestGateway, stack: Stack) -> pb.Command:
    command = stack.deploy()
    gateway.secrets[command.deployment_id] = {"PASSWORD_VALUE": PASSWORD}
    gateway.send(command)
    assert gateway.finished(command.command_id, seconds=90).outcome == pb.SUCCEEDED
    return command


def test_lines_are_read_masked_and_by_time(
    gateway: TestGateway, agent: Agent, stack: Stack, engine: Any, containers: Containers
) -> None:
    stack = replace(stack, secret=True)
    command = deployed(gateway, stack)
    found = containers()

    texts, remarks = gateway.past(request(stack))
    assert texts == ["mode healthy password ***"] * 3
    assert remarks == []
    one, _ = gateway.past(request(stack, services=["web"]))
    assert len(one) == 1

    write(engine, found["web"], "second \x1b[31mred\x1b[0m %d\n")
    write(engine, found["db"], "third %d\n")
    asked = request(stack, tail=2)
    texts, _ = gateway.past(asked)
    assert texts == ["second red 0", "third 0"]
    assert [line.service_name for line in gateway.lines(asked.request_id)] == ["web", "db"]
    last = gateway.lines(asked.request_id)[-1].at_ns // 1_000_000
    assert gateway.past(request(stack, until_ms=last - 60_000))[0] == []
    assert gateway.past(request(stack, since_ms=last))[0] == ["third 0"]

    # In whichever case; and never by what is masked.
    assert gateway.past(request(stack, search="SECOND RED"))[0] == []  # as it was written, with colours between
    assert gateway.past(request(stack, search="THIRD"))[0] == ["third 0"]
    assert gateway.past(request(stack, search=PASSWORD))[0] == []
    assert gateway.past(request(stack, search="password"))[0] == ["mode healthy password ***"] * 3

    # What cannot be masked is not told. The deployment's values are asked for anew by each request.
    gateway.refused.add(command.deployment_id)
    texts, remarks = gateway.past(request(stack))
    assert texts == []
    assert len(remarks) == 3
    assert "left out" in remarks[0]


def test_following_goes_on_through_restarts_and_ends_with_its_reader(
    gateway: TestGateway, agent: Agent, stack: Stack, engine: Any, containers: Containers
) -> None:
    deployed(gateway, stack)
    found = containers()
    asked = request(stack, services=["web"], follow=True)
    name = asked.request_id
    assert len(gateway.past(asked)[0]) == 1

    def told(text: str) -> bool:
        return any(line.text == text for line in gateway.lines(name))

    write(engine, found["web"], "live %d\n")
    gateway.until(lambda: told("live 0"), what="a live line", seconds=10)
    engine.restart(found["web"]["Id"], timeout=0)
    gateway.until(
        lambda: sum(line.text.startswith("mode") for line in gateway.lines(name)) == 2, what="a restart", seconds=20
    )
    write(engine, found["web"], "after %d\n")
    gateway.until(lambda: told("after 0"), what="a line after the restart", seconds=10)
    assert sum(line.text == "live 0" for line in gateway.lines(name)) == 1

    # A flood is cut, says so, and delays no report.
    write(engine, found["web"], "flood %06d\n", 30_000)
    gateway.until(lambda: told("flood 029999"), what="the end of the flood", seconds=30)
    left_out = sum(batch.left_out for batch in gateway.log_batches[name])
    flood = [line.text for line in gateway.lines(name) if line.text.startswith("flood")]
    assert left_out > 0
    assert left_out + len(flood) == 30_000
    assert flood == sorted(flood)

    # Whoever has gone is not told any more; the agent hears so with its next message.
    gateway.unread.add(name)
    gateway.until(lambda: name in gateway.ended_logs, what="the end of the reading", seconds=15)

    # A container that has died stays readable.
    engine.stop(found["web"]["Id"], timeout=0)
    assert gateway.past(request(stack, services=["web"], search="after"))[0] == ["after 0"]


def test_a_long_log_is_searched_quickly(
    gateway: TestGateway, agent: Agent, stack: Stack, engine: Any, containers: Containers
) -> None:
    stack = replace(stack, services=stack.services[1:2])
    deployed(gateway, stack)
    write(engine, containers()["web"], "needle first %d\n")
    write(engine, containers()["web"], "x" * 1000 + " %d\n", 20_000)
    began = time.monotonic()
    texts, _ = gateway.past(request(stack, search="NEEDLE"))
    took = time.monotonic() - began
    assert texts == ["needle first 0"]
    assert took < 3  # of 20 MB; the engine alone would take as long to read them out
