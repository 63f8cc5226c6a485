"""A Docker engine that is frozen, shut or not started yet: it is waited for and named, and what was begun is done."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.host import DockerHost
from tests.runner.conftest import Agent, remove_stack
from tests.runner.gateway import TestGateway
from tests.runner.observation.test_observer import Told
from tests.runner.stacks import Service, Stack
from tests.servers import own_docker
from tests.servers.own_docker import OwnDocker

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(own_docker.missing()), reason=f"an engine of our own needs {own_docker.missing()}"),
]
DOES_NOT_ANSWER = "Docker on this host does not answer"


@pytest.fixture(scope="module")
def own(base_image: str) -> Iterator[OwnDocker]:
    started = OwnDocker(folder=Path(tempfile.mkdtemp(prefix="axe-")))
    try:
        started.start()
        started.copy_images(base_image)
        yield started
    finally:
        started.stop()


@pytest.fixture
def engine_of_ours(own: OwnDocker) -> Iterator[OwnDocker]:
    """Running and thawed before and after each test."""
    yield own
    own.thaw()
    if not own.runs():
        own.start()


@pytest.fixture
def agent(gateway: TestGateway, engine_of_ours: OwnDocker, tmp_path: Path) -> Iterator[Agent]:
    started = Agent(state_dir=tmp_path / "state", port=gateway.port)
    started.start(DOCKER_HOST=engine_of_ours.host)
    yield started
    engine_of_ours.thaw()
    if started.process is not None and started.process.poll() is None:
        started.terminate()
    sys.stdout.write(started.log())


@pytest.fixture
def stack(engine_of_ours: OwnDocker, base_image: str) -> Iterator[Stack]:
    services = (
        Service(name="db", image=base_image, volume=True),
        Service(name="web", image=base_image, level=1, needs=("db",)),
    )
    made = Stack(name=f"axion-test-{uuid4().hex[:8]}", project_id=str(uuid4()), services=services)
    yield made
    engine_of_ours.thaw()
    if not engine_of_ours.runs():
        engine_of_ours.start()
    with engine_of_ours.client() as client:
        remove_stack(client, made.name)


@pytest.fixture
def states(engine_of_ours: OwnDocker, stack: Stack) -> Callable[[], dict[str, tuple[str, str]]]:
    """Service to the deployment it is of and the state it is in, as the engine says it."""

    def look() -> dict[str, tuple[str, str]]:
        filters = {"label": f"com.docker.compose.project={stack.name}"}
        with engine_of_ours.client() as client:
            found = client.containers(all=True, filters=filters)
        return {
            each["Labels"]["axion.service"]: (each["Labels"]["axion.deployment"][:2], each["State"]) for each in found
        }

    return look


def deployed(gateway: TestGateway, command: pb.Command) -> None:
    gateway.send(command)
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED


def test_frozen_while_a_stack_starts_and_told_to_stop_it_ends_and_carries_on_later(
    agent: Agent, gateway: TestGateway, engine_of_ours: OwnDocker, stack: Stack, states: Callable[[], Any]
) -> None:
    command = stack.deploy()
    gateway.send(command)
    gateway.until(lambda: gateway.observed(command.command_id, "db", "running"), what="db")
    engine_of_ours.freeze()
    gateway.until(lambda: DOES_NOT_ANSWER in gateway.log(command.command_id), what="a word about Docker", seconds=30)
    assert agent.terminate() == 0
    engine_of_ours.thaw()
    agent.start(DOCKER_HOST=engine_of_ours.host)
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED
    assert states() == {"db": ("d1", "running"), "web": ("d1", "running")}


def test_frozen_work_is_ended_by_a_revert_and_put_back_later(
    agent: Agent, gateway: TestGateway, engine_of_ours: OwnDocker, stack: Stack, states: Callable[[], Any]
) -> None:
    deployed(gateway, stack.deploy())
    command = stack.with_service("db", version="2").deploy()
    gateway.send(command)
    gateway.until(lambda: "Plan:" in gateway.log(command.command_id), what="the plan")
    engine_of_ours.freeze()
    gateway.until(lambda: DOES_NOT_ANSWER in gateway.log(command.command_id), what="a word about Docker", seconds=30)
    revert = stack.revert(command)
    gateway.send(revert)
    assert gateway.finished(command.command_id, seconds=40).reason == "cancelled"
    engine_of_ours.thaw()
    assert gateway.finished(revert.command_id).outcome == pb.RESTORED
    assert states() == {"db": ("d1", "running"), "web": ("d1", "running")}


def test_what_runs_after_docker_was_started_anew_is_told(
    agent: Agent, gateway: TestGateway, engine_of_ours: OwnDocker, stack: Stack
) -> None:
    deployed(gateway, stack.deploy())
    told = Told(gateway, stack)

    def runs() -> dict[str, int]:
        return {seen.service_name: seen.started_at_ms for seen in told.containers() if seen.state == "running"}

    told.becomes(lambda: set(runs()) == {"db", "web"})
    before = runs()
    engine_of_ours.shut()
    gateway.until(lambda: not gateway.conditions[-1].engine_answers, what="a word about Docker", seconds=60)
    engine_of_ours.start()
    told.becomes(lambda: set(now := runs()) == {"db", "web"} and all(now[name] > before[name] for name in now))
    gateway.until(lambda: gateway.conditions[-1].engine_answers, what="that Docker is back", seconds=60)


def test_events_are_heard_again_after_docker_was_shut(
    engine_of_ours: OwnDocker, base_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_of_ours.host)
    host, woken = DockerHost(), threading.Event()
    with closing(host.watch(stack="shop", wake=woken.set)):
        assert woken.wait(10)  # it looks once when it begins to listen
        engine_of_ours.shut()
        time.sleep(2)  # it finds nobody a few times
        woken.clear()
        engine_of_ours.start()
        assert woken.wait(15)
        time.sleep(0.2)
        woken.clear()
        with engine_of_ours.client() as client:
            labels = {"com.docker.compose.project": "shop"}
            made = client.create_container(base_image, labels=labels)["Id"]
            assert woken.wait(5)
            client.remove_container(made)
    assert host.outages >= 1


def test_shut_while_services_are_replaced_blames_none_of_them(
    agent: Agent, gateway: TestGateway, engine_of_ours: OwnDocker, stack: Stack, states: Callable[[], Any]
) -> None:
    deployed(gateway, stack.deploy())
    command = stack.with_service("db", version="2", grace=2).deploy()
    gateway.send(command)
    gateway.until(lambda: gateway.observed(command.command_id, "db", "starting"), what="the new db")
    engine_of_ours.shut()
    engine_of_ours.start()
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED, gateway.log(command.command_id)
    assert states() == {"db": ("d2", "running"), "web": ("d1", "running")}


def test_shut_while_what_ran_before_is_put_back(
    agent: Agent, gateway: TestGateway, engine_of_ours: OwnDocker, stack: Stack, states: Callable[[], Any]
) -> None:
    deployed(gateway, stack.deploy())
    command = stack.with_service("db", mode="sick").deploy()
    gateway.send(command)
    gateway.until(
        lambda: any(each.HasField("restore_started") for each in gateway.reports.get(command.command_id, [])),
        what="the way back",
    )
    engine_of_ours.shut()
    gateway.until(lambda: DOES_NOT_ANSWER in gateway.log(command.command_id), what="a word about Docker", seconds=30)
    time.sleep(1)  # long enough for Compose, which does not wait, to have failed
    engine_of_ours.start()
    finished = gateway.finished(command.command_id)
    assert (finished.outcome, finished.reason) == (pb.RESTORED, "unhealthy"), finished
    assert states() == {"db": ("d1", "running"), "web": ("d1", "running")}


def test_an_agent_started_before_docker_is_online_and_waits(
    gateway: TestGateway, engine_of_ours: OwnDocker, tmp_path: Path, stack: Stack, states: Callable[[], Any]
) -> None:
    engine_of_ours.shut()
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start(DOCKER_HOST=engine_of_ours.host)
    try:
        told = gateway.condition(lambda each: not each.engine_answers)
        assert told.engine_message == f"No such file or directory ({engine_of_ours.host})"
        command = stack.deploy()
        gateway.send(command)
        gateway.until(lambda: DOES_NOT_ANSWER in gateway.log(command.command_id), what="a word about Docker")
        assert f"Docker does not answer: {told.engine_message}" in agent.log()
        engine_of_ours.start()
        assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED
        gateway.condition(lambda each: each.engine_answers)
        assert "Docker answers again" in agent.log()
        assert "Docker on this host answers again" in gateway.log(command.command_id)
        assert states() == {"db": ("d1", "running"), "web": ("d1", "running")}
        assert len(gateway.hellos) == 1
    finally:
        agent.terminate()
