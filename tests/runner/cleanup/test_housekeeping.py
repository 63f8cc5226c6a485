"""Clean-up and stock-taking on a real host: old images and leftovers of ours go, everything else stays."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Service, Stack

pytestmark = pytest.mark.docker


@pytest.fixture
def versions(gateway: TestGateway, stack: Stack, base_image: str) -> Callable[[int], Stack]:
    """The stack of one service, built from code that differs by version."""

    def version(number: int) -> Stack:
        bundle = gateway.add_bundle({"Dockerfile": f"FROM {base_image}\nLABEL version={number}-{stack.name}\n"})
        image = f"axion/{stack.name}-web:{number}"
        web = Service(name="web", image=image, bundle=bundle, version=str(number))
        return replace(stack, services=(web,))

    return version


def kept(stack: Stack, *, number: int, images: list[str], deployments: list[str]) -> pb.Retention:
    one = pb.KeptStack(stack_name=stack.name, project_id=stack.project_id, image_ids=images, deployment_ids=deployments)
    return pb.Retention(number=number, stacks=[one])


@pytest.fixture
def foreign(engine: Any, stack: Stack, base_image: str) -> Iterator[Callable[[], Callable[[], list[bool]]]]:
    """Make somebody else's things that look a little like ours; what this returns tells whether each is still there.

    A stack of somebody else's name is not deployed to, so they come after what runs.
    """
    name = f"foreign-{stack.name}"
    compose = {"com.docker.compose.project": stack.name}
    other = {**compose, "axion.project": "another-project", "axion.deployment": "d1"}
    built = f"FROM {base_image}\nLABEL axion.project={stack.project_id} axion.service=web\n"
    subprocess.run(
        ["docker", "build", "-q", "-t", f"{name}:1", "-"], input=built.encode(), check=True, capture_output=True
    )
    network = engine.create_network(name)["Id"]
    volume = engine.create_volume(name)["Name"]
    quiet = engine.create_host_config(network_mode="none")
    stopped: list[str] = []

    def there() -> list[bool]:
        found = {each["Id"] for each in engine.containers(all=True)}
        return [
            *(each in found for each in stopped),
            bool(engine.images(name=f"{name}:1")),
            bool(engine.networks(ids=[network])),
            bool(engine.volumes(filters={"name": volume})["Volumes"]),
        ]

    def make() -> Callable[[], list[bool]]:
        for labels in (compose, other):
            stopped.append(engine.create_container(base_image, labels=labels, host_config=quiet)["Id"])
        return there

    yield make
    for each in stopped:
        engine.remove_container(each, force=True)
    engine.remove_image(f"{name}:1", force=True)
    engine.remove_network(network)
    engine.remove_volume(volume)


def leave_over(engine: Any, stack: Stack, *, deployment_id: str, image: str) -> str:
    """A stopped container as an interrupted change would leave it."""
    labels = {
        "com.docker.compose.project": stack.name,
        "com.docker.compose.service": "web",
        "axion.project": stack.project_id,
        "axion.service": "web",
        "axion.deployment": deployment_id,
    }
    return str(engine.create_container(image, labels=labels)["Id"])


def test_old_images_and_leftovers_go_and_nothing_else(
    agent: Agent,
    gateway: TestGateway,
    stack: Stack,
    engine: Any,
    versions: Callable[[int], Stack],
    foreign: Callable[[], Callable[[], list[bool]]],
) -> None:
    # Of a release that the journal does not know (any more).
    forgotten = f"FROM {stack.services[0].image}\nLABEL axion.project={stack.project_id} axion.service=web old=yes\n"
    argv = ["docker", "build", "-q", "-t", f"axion/{stack.name}-web:0", "-"]
    subprocess.run(argv, input=forgotten.encode(), check=True, capture_output=True)
    commands, images = [], []
    for number in range(1, 5):
        commands.append(versions(number).deploy())
        assert deploy(gateway, commands[-1]).outcome == pb.SUCCEEDED
        images.append(engine.inspect_image(f"axion/{stack.name}-web:{number}")["Id"])
    untouched = foreign()
    tags = {f"axion/{stack.name}-web:{number}" for number in range(5)}
    # Nothing was said about history yet, so nothing was cleaned up.
    assert {each["RepoTags"][0] for each in engine.images(name=f"axion/{stack.name}-web")} == tags
    ids = [command.deployment_id for command in commands]
    leftover = leave_over(engine, stack, deployment_id=ids[0], image=images[3])
    inventory = gateway.keep(kept(stack, number=7, images=[images[1], images[3]], deployments=[ids[1], ids[3]]))
    assert list(inventory.missing_image_ids) == []
    # 0 and 1 are needed by nobody; 2 is kept, 3 is what 4 would go back to.
    assert {each["Id"] for each in engine.images(name=f"axion/{stack.name}-web")} == set(images[1:])
    assert leftover not in {each["Id"] for each in engine.containers(all=True)}
    assert sorted(each.name for each in (agent.state_dir / "releases" / stack.name).iterdir()) == sorted(ids[1:])
    assert untouched() == [True] * 5

    engine.remove_image(images[1], force=True)
    # Sooner than the next regular check, half a minute after the last one.
    gone = gateway.inventory(lambda found: list(found.missing_image_ids) == [images[1]], seconds=25)
    assert gone.retention_number == 7
    assert abs(gone.checked_at_ms / 1000 - time.time()) < 60

    # After a restart it knows without being told again.
    agent.terminate()
    told = len(gateway.inventories)
    agent.start()
    gateway.until(lambda: len(gateway.inventories) > told, what="an inventory")
    again = gateway.inventories[-1]
    assert (again.retention_number, list(again.missing_image_ids)) == (7, [images[1]])
