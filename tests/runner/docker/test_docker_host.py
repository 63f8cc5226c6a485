"""The engine as the runner asks it: versions that change, containers that others remove, commands that are late."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.activity import WorkProgress
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import Reporter
from agents.runner.docker import cli
from agents.runner.docker.availability import EngineMonitor
from agents.runner.docker.cli import DockerCommands
from agents.runner.docker.engine import QUESTION_SECONDS, Engine
from agents.runner.docker.host import DockerHost
from agents.runner.errors import EngineAwayError, StepFailedError
from agents.runner.interrupt import Interrupt
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.store import Store

pytestmark = pytest.mark.docker


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[DockerCommands]:
    store = Store(tmp_path / "journal.sqlite3")
    journal = Journal(store)
    journal.receive(pb.Command(command_id="c", lane="l", number=1, deployment_id="d", deploy=pb.Deploy()))
    progress = WorkProgress(command_id="c", deployment_id="d", clock=time.monotonic)
    reporter = Reporter(
        journal=journal, command_id="c", deployment_id="d", masker=Masker(), now_ms=lambda: 0, wake=lambda: None
    )
    yield DockerCommands(marker=str(tmp_path), reporter=reporter, progress=progress)
    reporter.flush()
    store.close()


@pytest.mark.parametrize("other", ["1.99", "1.11"])
def test_an_engine_that_was_up_or_downgraded_is_asked_in_its_own_version(base_image: str, other: str) -> None:
    engine = Engine()
    made: Any = docker.APIClient(version="1.40")
    with closing(made) as before:
        before._version = other  # docker-py itself refuses some
        engine._clients[QUESTION_SECONDS] = before
        assert DockerHost(engine=engine).image_id(base_image).startswith("sha256:")
    assert engine.outages == 0


def test_two_agents_of_one_machine_name_the_engine_alike() -> None:
    pulse = EngineMonitor(host=DockerHost())
    assert pulse.engine_id() == ""
    pulse.start()
    try:
        deadline = time.monotonic() + 20
        while not pulse.engine_id() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(pulse.engine_id()) == 32
        assert pulse.engine_id() == DockerHost().engine_id()
    finally:
        pulse.stop()


def test_containers_that_somebody_else_removes_at_the_same_time_are_gone_in_the_end(
    engine: Any, base_image: str
) -> None:
    host, label = DockerHost(), f"axion-test-{uuid4().hex[:8]}"
    made = [engine.create_container(base_image, labels=[label])["Id"] for _ in range(4)]
    for each in made:
        engine.start(each)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda _: host.remove_containers(tuple(made)), range(4)))
    assert engine.containers(all=True, filters={"label": label}) == []


def test_a_volume_without_a_name_outlives_its_container(engine: Any, base_image: str) -> None:
    config = engine.create_host_config(binds=[])
    made = engine.create_container(base_image, volumes=["/state"], host_config=config)["Id"]
    engine.start(made)
    (volume,) = (each["Name"] for each in engine.inspect_container(made)["Mounts"])
    DockerHost().remove_containers((made,))
    assert engine.inspect_volume(volume)["Name"] == volume
    engine.remove_volume(volume)


def test_nobody_there_is_said_at_once_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    host = DockerHost()
    with pytest.raises(EngineAwayError, match=r"Connection refused \(tcp://127.0.0.1:1\)"):
        host.image_ids()
    assert host.outages == 1
    assert host.state is not None
    assert not host.state.answers


def test_a_watch_wakes_nobody_while_there_is_nothing_to_listen_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is woken asks Docker, and would hear nothing else of an engine that is away than before."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    woken = threading.Event()
    with closing(DockerHost().watch(stack="shop", wake=woken.set)):
        assert not woken.wait(2)


def test_a_pull_that_is_late_says_after_how_long(commands: DockerCommands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "PULL_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = f"127.0.0.1:{silent.getsockname()[1]}/app:1"
        with pytest.raises(StepFailedError, match="of web was not done within 1 s"):
            commands.pull(image=image, service="web", interrupt=Interrupt())
