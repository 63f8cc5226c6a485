"""Services start when what they need answers the agent, and a deployment ends with Docker's own word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.control_plane.reports import HEALTH_CHECKING
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker


def test_what_answers_lets_others_start_before_docker_has_looked(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    stack = stack.with_service("db", interval="10s")
    command = stack.deploy()
    gateway.send(command)
    assert gateway.finished(command.command_id, seconds=120).outcome == pb.SUCCEEDED
    states = {name: each["State"] for name, each in containers().items()}
    first_look = states["db"]["Health"]["Log"][0]
    assert states["worker"]["StartedAt"] < first_look["End"]
    assert {state["Health"]["Status"] for state in states.values()} == {"healthy"}
    # Nobody needs these two, so that only Docker was asked.
    reports = gateway.reports[command.command_id]
    watching = next(at for at, each in enumerate(reports) if each.stage.stage == HEALTH_CHECKING)
    healthy = {each.service.service_name for each in reports[:watching] if each.service.health == "healthy"}
    assert healthy >= {"web", "worker"}
    # Docker itself had said so of everything by the end.
    told = [report for report in gateway.reports[command.command_id] if report.HasField("service")]
    last = {report.service.service_name: report.service.health for report in told}
    assert last == {"db": "healthy", "web": "healthy", "worker": "healthy"}
