"""A control plane that is taken over, or a graph that got past it, orders a stack that would take the machine.

The agent alone decides, by its own agent.toml: for a deployment, for going back, and for a rollback.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent, agent, base_image, containers, engine, gateway, stack
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

__all__ = ["agent", "base_image", "containers", "engine", "gateway", "stack"]
pytestmark = pytest.mark.docker
Look = Callable[[], dict[str, dict[str, Any]]]
SOCKET = "/var/run/docker.sock"


def with_mount(command: pb.Command, mount: str) -> pb.Command:
    document = json.loads(command.deploy.files["docker-compose.yml"])
    document["services"]["web"]["volumes"] = [mount]
    document["services"]["web"]["environment"]["VERSION"] = "evil"
    command.deploy.files["docker-compose.yml"] = json.dumps(document)
    for spec in command.deploy.services:
        if spec.name == "web":
            spec.content_hash = "web-evil"
    return command


def restart(agent: Agent, gateway: TestGateway, **settings: str) -> None:
    agent.terminate()
    count = len(gateway.hellos)
    agent.start(**settings)
    gateway.until(lambda: len(gateway.hellos) > count, what="the agent's return")


def test_the_engine_s_socket_is_refused_and_nothing_is_touched(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Look
) -> None:
    assert deploy(gateway, stack.deploy()).outcome == pb.SUCCEEDED
    before = {name: each["Id"] for name, each in containers().items()}
    finished = deploy(gateway, with_mount(stack.deploy(), f"{SOCKET}:{SOCKET}:ro"))
    assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid")
    assert f"web mounts {SOCKET} of the host" in finished.message
    assert "policy.bind_mounts" in finished.message
    assert {name: each["Id"] for name, each in containers().items()} == before


def test_a_release_that_is_allowed_no_longer_is_not_started_again(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Look
) -> None:
    restart(agent, gateway, AXION_AGENT__POLICY__BIND_MOUNTS="/etc/hostname")
    allowed = with_mount(stack.deploy(), "/etc/hostname:/host:ro")
    assert deploy(gateway, allowed).outcome == pb.SUCCEEDED
    assert deploy(gateway, stack.deploy()).outcome == pb.SUCCEEDED
    restart(agent, gateway)
    before = containers()
    pinned = {name: each["Image"] for name, each in before.items()}
    finished = deploy(gateway, with_mount(stack.deploy(pinned=pinned), "/etc/hostname:/host:ro"))
    assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid")
    assert {name: each["Id"] for name, each in containers().items()} == {name: e["Id"] for name, e in before.items()}
    assert not any(mount["Type"] == "bind" for each in before.values() for mount in each["Mounts"])


@pytest.mark.parametrize("dockerfile", ["../../../../credential.json", "/etc/passwd"])
def test_a_build_reads_no_file_of_the_host(agent: Agent, gateway: TestGateway, stack: Stack, dockerfile: str) -> None:
    command = stack.deploy()
    command.deploy.services[0].bundle_digest = gateway.add_bundle({"main.py": ""})
    command.deploy.services[0].dockerfile = dockerfile
    finished = deploy(gateway, command)
    assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid")
    assert "not a file of the deployment" in finished.message
