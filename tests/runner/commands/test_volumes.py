"""No revert, restore or clean-up deletes a volume: one that came with what is taken back may hold data."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy, left_behind, volumes_of
from tests.runner.conftest import Agent, Containers
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker


def write(container: dict[str, Any], path: str) -> None:
    order = ["docker", "exec", container["Id"], "python", "-c", f"open('{path}', 'w').write('order 1')"]
    subprocess.run(order, check=True, capture_output=True)


def read(base_image: str, volume: str, name: str) -> str:
    order = ["docker", "run", "--rm", "-v", f"{volume}:/looked:ro", base_image, "cat", f"/looked/{name}"]
    return subprocess.run(order, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def unnamed_image(engine: Any, base_image: str) -> Iterator[str]:
    """An image that declares a volume of its own."""
    tag = f"axion-test-runner/unnamed:{uuid4().hex[:8]}"
    dockerfile = f"FROM {base_image}\nVOLUME /state\n"
    subprocess.run(
        ["docker", "build", "-q", "-t", tag, "-"], input=dockerfile.encode(), check=True, capture_output=True
    )
    yield tag
    engine.remove_image(tag, force=True)


def test_a_reverted_first_deployment_leaves_its_data(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, engine: Any, base_image: str
) -> None:
    command = stack.deploy()
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    write(containers()["db"], "/data/orders.txt")
    reverted = deploy(gateway, stack.revert(command))
    (volume,) = volumes_of(engine, stack)
    assert read(base_image, volume, "orders.txt") == "order 1"
    assert list(reverted.volumes_left) == [volume]
    assert left_behind(engine, stack) == []


def test_what_a_failed_deployment_added_leaves_its_data(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any
) -> None:
    """The database came up and took data; another service of the same deployment did not."""
    stack = stack.with_service("web", volume=True)
    without = replace(stack, services=tuple(each for each in stack.services if each.name == "web"))
    assert deploy(gateway, without.deploy()).outcome == pb.SUCCEEDED
    finished = deploy(gateway, stack.with_service("worker", mode="sick").deploy())
    assert (finished.outcome, finished.previous_stack_running) == (pb.RESTORED, True)
    assert list(finished.volumes_left) == [f"{stack.name}_db-data"], "web's was there before"
    assert volumes_of(engine, stack) == [f"{stack.name}_db-data", f"{stack.name}_web-data"]


def test_an_unhealthy_first_deployment_leaves_its_data(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any
) -> None:
    finished = deploy(gateway, stack.with_service("worker", mode="sick").deploy())
    assert (finished.outcome, finished.previous_stack_running) == (pb.RESTORED, False)
    assert list(finished.volumes_left) == volumes_of(engine, stack) != []


def test_a_volume_without_a_name_stays_and_is_named(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, engine: Any, unnamed_image: str
) -> None:
    command = stack.with_service("web", image=unnamed_image).deploy()
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    web = containers()["web"]
    write(web, "/state/orders.txt")
    (unnamed,) = (each["Name"] for each in web["Mounts"])
    try:
        reverted = deploy(gateway, stack.revert(command))
        assert read(unnamed_image, unnamed, "orders.txt") == "order 1"
        assert unnamed in reverted.volumes_left
    finally:
        for left in {unnamed} & {each["Name"] for each in engine.volumes()["Volumes"]}:
            engine.remove_volume(left)
