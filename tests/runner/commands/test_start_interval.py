"""Docker looks sooner at what starts where it can; elsewhere nothing is asked of it that it does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.versions import START_INTERVAL_API, numbers_of
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
SECOND = 1_000_000_000


def test_docker_looks_sooner_where_it_can(
    gateway: TestGateway, agent: Agent, stack: Stack, engine: Any, containers: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    stack = replace(stack, interval="2s", start_period="30s")
    command = stack.deploy()
    gateway.send(command)
    assert gateway.finished(command.command_id, seconds=90).outcome == pb.SUCCEEDED
    checks = [each["Config"]["Healthcheck"] for each in containers().values()]
    understood = numbers_of(engine.api_version) >= START_INTERVAL_API
    assert [check.get("StartInterval", 0) for check in checks] == [SECOND // 5 if understood else 0] * len(checks)
    assert {check["Interval"] for check in checks} == {2 * SECOND}
    # What was started with it, or without, is what the next deployment finds unchanged.
    before = {each["Id"] for each in containers().values()}
    again = stack.deploy()
    gateway.send(again)
    assert gateway.finished(again.command_id, seconds=90).outcome == pb.SUCCEEDED
    assert {each["Id"] for each in containers().values()} == before
