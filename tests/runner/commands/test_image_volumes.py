"""An image's own VOLUME is data: what stands in it is there after everything that an agent does to its service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.planning.test_plan import RELEASE, SERVICES, container, plan_text
from tests.runner.stacks import Stack

Containers = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def keeping_image(engine: Any, base_image: str) -> Iterator[str]:
    """The test's program in an image that declares a volume, as those of many applications do."""
    name = f"axion-test-runner/keeping:{uuid4().hex[:8]}"
    subprocess.run(
        ["docker", "build", "-q", "-t", name, "-"], input=f"FROM {base_image}\nVOLUME /data\n".encode(), check=True
    )
    yield name
    engine.remove_image(name, force=True)


@pytest.fixture
def notes(engine: Any, stack: Stack, keeping_image: str) -> Iterator[Stack]:
    """One service alone, which the control plane thinks may start first."""
    web = replace(stack.services[1], image=keeping_image, starts_first=True)
    yield replace(stack, services=(web,))
    for found in engine.containers(all=True, filters={"label": f"com.docker.compose.project={stack.name}"}):
        engine.remove_container(found["Id"], force=True, v=True)


def write(containers: Containers) -> None:
    inside(containers, "echo kept > /data/note")


def read(containers: Containers) -> str:
    return inside(containers, "cat /data/note || true").strip()


def inside(containers: Containers, script: str) -> str:
    argv = ["docker", "exec", containers()["web"]["Id"], "sh", "-c", script]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.mark.docker
def test_a_changed_service_finds_what_it_wrote(
    agent: Agent, gateway: TestGateway, notes: Stack, containers: Containers
) -> None:
    assert deploy(gateway, notes.deploy()).outcome == pb.SUCCEEDED
    write(containers)
    command = notes.with_service("web", version="2").deploy()
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    assert read(containers) == "kept"
    assert "1. up web: web changed (keeps the volume of its image)" in gateway.log(command.command_id)


@pytest.mark.docker
def test_a_failed_deployment_and_a_rollback_find_it_too(
    agent: Agent, gateway: TestGateway, notes: Stack, containers: Containers
) -> None:
    deploy(gateway, notes.deploy())
    before = {name: each["Image"] for name, each in containers().items()}
    write(containers)
    broken = deploy(gateway, notes.with_service("web", version="2", mode="crash").deploy())
    assert broken.outcome == pb.RESTORED, broken
    assert read(containers) == "kept"
    deploy(gateway, notes.with_service("web", version="3").deploy())
    assert deploy(gateway, notes.deploy(pinned=before)).outcome == pb.SUCCEEDED
    assert read(containers) == "kept"


@pytest.mark.docker
def test_it_is_there_after_a_stop_and_after_another_image_without_a_volume(
    agent: Agent, gateway: TestGateway, notes: Stack, containers: Containers, base_image: str
) -> None:
    deploy(gateway, notes.deploy())
    write(containers)
    assert deploy(gateway, notes.with_service("web", image=base_image, version="2").deploy()).outcome == pb.SUCCEEDED
    assert read(containers) == "kept"
    assert deploy(gateway, notes.stop()).outcome == pb.SUCCEEDED
    assert deploy(gateway, notes.deploy()).outcome == pb.SUCCEEDED
    assert read(containers) == "kept"


@pytest.mark.docker
def test_what_an_unnamed_volume_held_before_is_taken_over(
    agent: Agent, gateway: TestGateway, notes: Stack, containers: Containers, engine: Any
) -> None:
    """As an agent left it that knew nothing of such volumes."""
    started_bare(notes)
    write(containers)
    unnamed = containers()["web"]["Mounts"][0]["Name"]
    assert deploy(gateway, notes.deploy()).outcome == pb.SUCCEEDED
    assert (read(containers), containers()["web"]["Mounts"][0]["Name"]) == ("kept", unnamed)
    assert deploy(gateway, notes.stop()).outcome == pb.SUCCEEDED
    assert deploy(gateway, notes.deploy()).outcome == pb.SUCCEEDED
    assert read(containers) == "kept"
    engine.remove_container(containers()["web"]["Id"], force=True)
    engine.remove_volume(unnamed)


@pytest.mark.docker
def test_a_volume_of_the_graph_does_not_hide_what_an_unnamed_one_holds(
    agent: Agent, gateway: TestGateway, notes: Stack, containers: Containers
) -> None:
    started_bare(notes)
    write(containers)
    unnamed, running = containers()["web"]["Mounts"][0]["Name"], containers()["web"]["Id"]
    finished = deploy(gateway, notes.with_service("web", volume=True, starts_first=False).deploy())
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "invalid", "web"), finished
    assert f"keeps its data in {unnamed}, without a name of its own, at /data" in finished.message
    assert (read(containers), containers()["web"]["Id"]) == ("kept", running)


def started_bare(notes: Stack) -> None:
    """The service of the stack by plain Compose, with the labels that make it ours."""
    web = notes._compose_service(notes.services[0])
    labels = {"axion.project": notes.project_id, "axion.node": "node-web", "axion.service": "web", "axion.hash": "old"}
    text = json.dumps({"services": {"web": {**web, "labels": labels}}})
    argv = ["docker", "compose", "--project-name", notes.name, "--file", "-", "up", "--detach", "--wait"]
    subprocess.run(argv, input=text.encode(), check=True, capture_output=True)


def test_the_plan_replaces_and_says_that_the_volume_stays() -> None:
    observed = (container("web", deployment_id="d1", content_hash="old"),)
    wanted = replace(SERVICES[2], level=0, image_volumes=("/data",))
    text = plan_text(observed=observed, release=replace(RELEASE, services=(wanted,)))
    assert text == "1. up web: web changed (keeps the volume of its image)\n"
    assert "keeps" not in plan_text(observed=(), release=replace(RELEASE, services=(wanted,)))


@pytest.mark.docker
def test_an_agent_killed_in_the_middle_of_the_replacement_finds_it(
    agent: Agent, gateway: TestGateway, notes: Stack, containers: Containers, engine: Any
) -> None:
    started_bare(notes)
    write(containers)
    unnamed = containers()["web"]["Mounts"][0]["Name"]
    command = notes.deploy()
    gateway.send(command)
    gateway.until(lambda: "Starting changed services" in said(gateway, command), what="the replacement")
    agent.kill()
    for container_id in (each["Id"] for each in containers().values()):
        engine.remove_container(container_id, force=True)  # as Compose does in the middle of it
    agent.start()
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED
    assert read(containers) == "kept"
    engine.remove_container(containers()["web"]["Id"], force=True)
    engine.remove_volume(unnamed)


def said(gateway: TestGateway, command: pb.Command) -> str:
    return " ".join(report.stage.message for report in gateway.reports.get(command.command_id, ()))
