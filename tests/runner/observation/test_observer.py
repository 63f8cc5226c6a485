"""What happens to containers behind our back, on a real engine, as the control plane is told of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

docker = pytest.mark.docker
SOON_SECONDS = 5.0


class Told:
    """What the gateway holds of one stack after all that the agent said."""

    def __init__(self, gateway: TestGateway, stack: Stack, proven: dict[str, pb.ServiceObserved]) -> None:
        self.gateway, self.stack, self.proven = gateway, stack, proven

    def containers(self) -> list[pb.ContainerSeen]:
        held: dict[str, pb.ContainerSeen] = {}
        for message in tuple(self.gateway.observations):
            if message.whole:
                held = {}
            for gone in message.gone_ids:
                held.pop(gone, None)
            held |= {seen.id: seen for seen in message.containers}
        return [seen for seen in held.values() if seen.stack_name == self.stack.name]

    def of(self, service: str) -> pb.ContainerSeen | None:
        return next((seen for seen in self.containers() if seen.service_name == service), None)

    def messages(self) -> list[pb.Observation]:
        """What was said of this stack: the agent sees the containers of tests beside this one, too."""
        said = tuple(self.gateway.observations)
        ours = {seen.id for message in said for seen in message.containers if seen.stack_name == self.stack.name}
        return [m for m in said if ours & ({seen.id for seen in m.containers} | set(m.gone_ids))]

    def becomes(self, condition: Callable[[], Any], *, seconds: float = SOON_SECONDS) -> None:
        self.gateway.until(condition, what="an observation", seconds=seconds)


@pytest.fixture
def deployed(gateway: TestGateway, agent: Agent, stack: Stack) -> Told:
    """All three run, and the gateway was told so."""
    command = stack.deploy()
    gateway.send(command)
    finished = gateway.finished(command.command_id, seconds=90)
    told = Told(gateway, stack, {service.service_name: service for service in finished.services})
    told.becomes(lambda: {seen.service_name for seen in told.containers()} == {"db", "web", "worker"}, seconds=30)
    told.becomes(lambda: all(seen.health == "healthy" for seen in told.containers()), seconds=30)
    return told


def run(*argv: str) -> None:
    subprocess.run(["docker", *argv], check=True, capture_output=True, timeout=60)


def inspected(seen: pb.ContainerSeen) -> dict[str, Any]:
    found = subprocess.run(["docker", "inspect", seen.id], check=True, capture_output=True, timeout=60)
    described: list[dict[str, Any]] = json.loads(found.stdout)
    return described[0]


def container(told: Told, service: str) -> pb.ContainerSeen:
    seen = told.of(service)
    assert seen is not None
    return seen


@docker
def test_what_happens_behind_our_back_is_told_within_seconds(deployed: Told) -> None:
    web = container(deployed, "web")
    assert (web.state, web.restarts_itself, len(web.settings)) == ("running", True, 9)
    # What the deployment's proof saw is what a look sees as long as nobody touches it.
    assert dict(deployed.proven["web"].settings) == dict(web.settings)
    assert dict(deployed.proven["web"].shown) == dict(web.shown)
    assert deployed.proven["web"].started

    run("stop", "--time", "1", web.id)
    deployed.becomes(lambda: container(deployed, "web").state == "exited")

    run("start", web.id)
    deployed.becomes(lambda: container(deployed, "web").state == "running")

    run("pause", web.id)
    deployed.becomes(lambda: container(deployed, "web").state == "paused")

    run("unpause", web.id)
    deployed.becomes(lambda: container(deployed, "web").state == "running")

    run("rename", web.name, f"{web.name}-other")
    deployed.becomes(lambda: container(deployed, "web").name.endswith("-other"))

    run("update", "--memory", "300m", "--memory-swap", "300m", web.id)
    deployed.becomes(lambda: container(deployed, "web").settings["limits"] != web.settings["limits"])

    network = next(iter(inspected(web)["NetworkSettings"]["Networks"]))
    run("network", "disconnect", network, web.id)
    deployed.becomes(lambda: container(deployed, "web").settings["networks"] != web.settings["networks"])
    assert network not in container(deployed, "web").shown["networks"]

    run("rm", "--force", web.id)
    deployed.becomes(lambda: deployed.of("web") is None)
    assert {seen.service_name for seen in deployed.containers()} == {"db", "worker"}


@docker
def test_a_container_that_dies_is_started_again_and_counted(deployed: Told) -> None:
    before = container(deployed, "web")
    run("kill", before.id)
    # Docker takes a killed container for one that was stopped by hand only when `docker stop` did it.
    deployed.becomes(lambda: container(deployed, "web").state != "running" or container(deployed, "web").restarts > 0)


@docker
def test_a_stranger_with_our_labels_is_told_too(deployed: Told, base_image: str) -> None:
    labels = {
        "axion.project": deployed.stack.project_id,
        "com.docker.compose.project": deployed.stack.name,
        "com.docker.compose.service": "intruder",
    }
    words = [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
    run("run", "--detach", *words, "--env", "PASSWORD=s3cret-value", base_image)
    deployed.becomes(lambda: deployed.of("intruder") is not None)
    assert b"s3cret-value" not in container(deployed, "intruder").SerializeToString()


@docker
def test_nothing_is_said_while_nothing_happens(deployed: Told) -> None:
    time.sleep(2.5)  # what is still to be said of the deployment
    said = len(deployed.messages())
    time.sleep(4)
    assert len(deployed.messages()) == said


@docker
def test_whoever_connects_anew_is_told_everything(deployed: Told) -> None:
    gateway = deployed.gateway
    said = len(gateway.observations)
    gateway.disconnect()
    gateway.until(lambda: any(each.whole for each in gateway.observations[said:]), what="a whole look", seconds=30)
    first = next(each for each in gateway.observations[said:] if each.whole)
    assert first.number == 1
    assert {seen.service_name for seen in deployed.containers()} == {"db", "web", "worker"}


@docker
def test_a_gateway_of_before_is_told_nothing(gateway: TestGateway, stack: Stack, tmp_path: Any) -> None:
    gateway.protocol = 2
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start()
    try:
        command = replace(stack, services=stack.services[:1]).deploy()
        gateway.send(command)
        gateway.finished(command.command_id, seconds=90)
        assert gateway.observations == []
    finally:
        agent.terminate()
