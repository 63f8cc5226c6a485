"""A port of the host that somebody else has is named with its owner, as far as the project's people may know that."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.planning.ports import PortHolder, service_in, taken_port, taken_sentence
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack


@pytest.mark.parametrize(
    "line",
    [
        "Error response from daemon: driver failed programming external connectivity on endpoint shop-web-1 (29fa): "
        "Bind for 0.0.0.0:18080 failed: port is already allocated",
        "driver failed programming external connectivity on endpoint shop-web-1 (29fa): Error starting userland proxy: "
        "listen tcp4 0.0.0.0:18080: bind: address already in use",
        "failed to set up container networking: driver failed programming external connectivity on endpoint shop-web-1 "
        "(29fa): failed to bind host port 0.0.0.0:18080/tcp: address already in use",
        "failed to bind host port for [::]:18080:172.18.0.2:80/tcp: address already in use on endpoint shop-web-1",
    ],
)
def test_what_engines_say_of_a_taken_port_is_read(line: str) -> None:
    assert taken_port(["pulling", line]) == 18080
    assert service_in([line], stack="shop", services=["we", "web", "worker"]) == "web"


def test_another_failure_is_no_taken_port() -> None:
    assert taken_port(["no such image: web:18080", "dial tcp 10.0.0.1:5000: connection refused"]) is None


def test_projects_of_others_are_not_named() -> None:
    def said(*holders: PortHolder, program: str = "") -> str:
        return taken_sentence(port=80, project_id="mine", holders=holders, program=program)

    theirs = PortHolder(name="their-secret-shop-web-1", project_id="theirs")
    assert said(theirs).startswith("Port 80 is already in use on this server, by a container of another project.")
    assert "by the container nginx-by-hand" in said(theirs, PortHolder(name="nginx-by-hand", project_id=""))
    assert "by the program nginx, which runs outside Docker" in said(program="nginx")
    assert "by something outside Docker" in said()


@pytest.mark.docker
def test_who_has_the_port_is_said_when_a_deployment_fails(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any, base_image: str
) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        ended = deploy(gateway, publishing(stack, port))
        program = Path("/proc/self/comm").read_text().strip()
        assert f"Port {port} is already in use on this server, by the program {program}" in ended.message
    by_hand = f"by-hand-{uuid4().hex[:8]}"
    bindings = engine.create_host_config(port_bindings={80: port})
    holder = engine.create_container(base_image, name=by_hand, ports=[80], host_config=bindings)
    try:
        engine.start(holder)
        ended = deploy(gateway, publishing(stack, port))
        assert f"Port {port} is already in use on this server, by the container {by_hand}." in ended.message
        assert (ended.reason, ended.failed_service) == ("apply", "web")
    finally:
        engine.remove_container(holder, force=True)


def publishing(stack: Stack, port: int) -> pb.Command:
    command = stack.deploy()
    document = json.loads(command.deploy.files["docker-compose.yml"])
    document["services"]["web"]["ports"] = [f"{port}:80"]
    command.deploy.files["docker-compose.yml"] = json.dumps(document)
    return command
