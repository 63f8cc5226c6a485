"""Going back with pinned images: nothing is built, nothing that is here is pulled, the very same images run."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.planning.differences import owners_of
from agents.runner.planning.model import Container, WantedService
from agents.runner.planning.model import Release as Wanted
from tests.runner.commands.test_deploy import deploy, ids, left_behind
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.small_registry import registry
from tests.runner.stacks import PROGRAM, Service, Stack

Containers = Callable[[], dict[str, dict[str, Any]]]
NO_IMAGE = f"sha256:{'0' * 64}"


@pytest.fixture
def two_images(engine: Any, stack: Stack, base_image: str) -> tuple[str, str]:
    """A tag that can be moved, and the id of another image with the same program."""
    name = f"axion/{stack.name}-web"
    engine.tag(base_image, name, "moving")
    text = f"FROM {base_image}\nLABEL another={stack.name}\n"
    subprocess.run(["docker", "build", "-q", "-t", f"{name}:another", "-"], input=text.encode(), check=True)
    return f"{name}:moving", engine.inspect_image(f"{name}:another")["Id"]


def pins(containers: Containers) -> dict[str, str]:
    return {name: each["Image"] for name, each in containers().items()}


@pytest.mark.docker
def test_the_very_images_run_again_and_nothing_is_built(
    agent: Agent,
    gateway: TestGateway,
    stack: Stack,
    containers: Containers,
    engine: Any,
    two_images: tuple[str, str],
) -> None:
    tag, another = two_images
    first = stack.with_service("web", image=tag)
    deploy(gateway, first.deploy())
    before = pins(containers)
    engine.tag(another, *tag.split(":"), force=True)
    assert deploy(gateway, first.with_service("web", version="2").deploy()).outcome == pb.SUCCEEDED
    assert pins(containers)["web"] == another
    kept = ids(containers)
    back = first.with_service("web", bundle="sha256:" + "1" * 64, dockerfile="Dockerfile.web").deploy(pinned=before)
    finished = deploy(gateway, back)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert pins(containers) == before
    assert (ids(containers)["db"], ids(containers)["worker"]) == (kept["db"], kept["worker"])
    assert {each.service_name: each.image_digest for each in finished.services} == before
    assert gateway.bundle_calls == []
    assert {r.log.source for r in gateway.reports[back.command_id] if r.HasField("log")} == {"agent", "apply"}


@pytest.mark.docker
def test_an_image_that_is_gone_is_named_before_anything_is_touched(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before, running = pins(containers), ids(containers)
    built = stack.with_service("db", version="2").with_service("web", bundle=gateway.add_bundle({"main.py": PROGRAM}))
    command = built.deploy(pinned={**before, "web": NO_IMAGE})
    finished = deploy(gateway, command)
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.FAILED, "image", "web")
    assert not finished.touched
    assert f"web cannot run {NO_IMAGE} again" in finished.message
    assert ids(containers) == running
    assert gateway.bundle_calls == []
    assert not any(r.HasField("restore_started") for r in gateway.reports[command.command_id])
    again = deploy(gateway, stack.deploy())
    assert (again.outcome, ids(containers)) == (pb.SUCCEEDED, running), again


@pytest.mark.docker
@pytest.mark.parametrize(
    ("address", "image", "said"),
    [
        ("", "", ""),
        ("", NO_IMAGE, "its reference means another image by now"),
        ("127.0.0.1:9", NO_IMAGE, "it cannot be pulled"),
    ],
)
def test_what_can_be_pulled_is_pulled_if_it_is_the_very_image(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any, address: str, image: str, said: str
) -> None:
    with registry(text=stack.name) as (served_at, served):
        reference = f"{address or served_at}/small:1"
        web = Service(name="web", image=reference)
        finished = deploy(gateway, replace(stack, services=(web,)).deploy(pinned={"web": image or served}))
    assert left_behind(engine, stack) == []
    # What is served has nothing that could run: that is found out only when all images are here.
    assert (finished.reason == "image") is bool(said), finished
    assert said in finished.message
    assert bool(engine.images(name=reference)) is not bool(address)
    if not address:
        assert engine.inspect_image(reference)["Id"] == served
        engine.remove_image(reference, force=True)


@pytest.mark.docker
def test_pinned_images_are_pulled_side_by_side(agent: Agent, gateway: TestGateway, stack: Stack, engine: Any) -> None:
    asked = [threading.Event(), threading.Event()]
    met = []

    def asking(mine: int) -> Callable[[], None]:
        def tell() -> None:
            asked[mine].set()
            # Each registry answers only once the other one was asked, too.
            met.append(asked[1 - mine].wait(30))

        return tell

    with (
        registry(text=f"{stack.name} one", on_asked=asking(0)) as (one, first),
        registry(text=f"{stack.name} two", on_asked=asking(1)) as (two, second),
    ):
        services = (Service(name="web", image=f"{one}/small:1"), Service(name="api", image=f"{two}/small:1"))
        finished = deploy(gateway, replace(stack, services=services).deploy(pinned={"web": first, "api": second}))
    assert met
    assert all(met)
    # Nothing in them could run, which is found out only when all images are here.
    assert finished.reason != "image", finished
    for reference, image in ((f"{one}/small:1", first), (f"{two}/small:1", second)):
        assert engine.inspect_image(reference)["Id"] == image
        engine.remove_image(reference, force=True)


def test_the_same_content_at_another_image_is_a_change_only_when_pinned() -> None:
    web = WantedService(name="web", image="web:1", content_hash="h")
    running = Container(id="c", service="web", state="running", image_id="b", content_hash="h", deployment_id="d1")
    release = Wanted(deployment_id="d2", project_id="p", stack="s", files={}, services=(web,))
    pinned = Wanted(deployment_id="d2", project_id="p", stack="s", files={}, services=(web,), pinned={"web": "a"})
    assert owners_of(release=release, observed=(running,), known=()) == {"web": "d1"}
    assert owners_of(release=pinned, observed=(running,), known=()) == {"web": "d2"}
