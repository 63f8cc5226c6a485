"""Deployments on a real engine, judged by `docker inspect`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
Containers = Callable[[], dict[str, dict[str, Any]]]


def deploy(gateway: TestGateway, command: pb.Command) -> pb.CommandFinished:
    gateway.send(command)
    return gateway.finished(command.command_id)


def test_a_stack_comes_up_and_is_proven(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    command = stack.deploy()
    finished = deploy(gateway, command)
    running = containers()
    assert finished.outcome == pb.SUCCEEDED, finished
    assert {each.service_name for each in finished.services} == {"db", "web", "worker"}
    for told in finished.services:
        container = running[told.service_name]
        assert list(told.container_ids) == [container["Id"]]
        assert told.image_digest == container["Image"]
        assert (container["State"]["Status"], container["State"]["Health"]["Status"]) == ("running", "healthy")
        assert container["Config"]["Labels"]["axion.deployment"] == command.deployment_id
        assert container["Config"]["Labels"]["axion.project"] == stack.project_id
    stages = [r.stage.percent for r in gateway.reports[command.command_id] if r.HasField("stage")]
    assert stages == sorted(set(stages))
    assert stages[-1] == 100
