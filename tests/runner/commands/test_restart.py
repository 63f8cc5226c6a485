"""One service made anew: new copies first where they may stand beside the old ones, everything else untouched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

Containers = Callable[[], dict[str, dict[str, Any]]]


def carried_out(gateway: TestGateway, command: pb.Command) -> pb.CommandFinished:
    gateway.send(command)
    return gateway.finished(command.command_id, seconds=90)


def test_one_service_is_made_anew_and_the_others_stay(
    gateway: TestGateway, agent: Agent, stack: Stack, containers: Containers
) -> None:
    stack = stack.with_service("web", starts_first=True)
    assert gateway.until(lambda: gateway.hellos, what="a Hello")[0].commands["deploy"] >= 3
    assert carried_out(gateway, stack.deploy()).outcome == pb.SUCCEEDED
    before = containers()
    pinned = {name: each["Image"] for name, each in before.items()}

    command = stack.deploy(pinned=pinned, restarts=("web",))
    assert carried_out(gateway, command).outcome == pb.SUCCEEDED
    after = containers()
    assert {name for name in after if after[name]["Id"] != before[name]["Id"]} == {"web"}
    assert after["web"]["Image"] == before["web"]["Image"]
    log = gateway.log(command.command_id)
    assert log.index("add web") < log.index("retire web")

    # With data it stops first, and nothing that needs it is touched.
    assert carried_out(gateway, stack.deploy(pinned=pinned, restarts=("db",))).outcome == pb.SUCCEEDED
    last = containers()
    assert {name for name in last if last[name]["Id"] != after[name]["Id"]} == {"db"}
