"""What the agent tells of itself: a full disk, work that does not move; and to old gateways nothing of it."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.activity import MAX_STALLED, Watchdog
from agents.runner.docker.engine import EngineState
from agents.runner.docker.host import DockerHost
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.store import Store
from agents.runner.self_check import SelfCheck
from agents.transport.wire.conditions import condition_from_wire
from tests.runner.commands.test_killed import slow_build
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack
from tests.servers.small_disk import SmallDisk

docker = pytest.mark.docker
SMALL_BYTES = 2 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """It holds 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    made = SmallDisk(tmp_path / "small", size=SMALL_BYTES)
    yield made
    made.remove()


@pytest.fixture
def small_agent(gateway: TestGateway, small_disk: SmallDisk, tmp_path: Path) -> Iterator[Agent]:
    made = Agent(state_dir=small_disk.folder / "state", port=gateway.port, log_file=tmp_path / "agent.log")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.terminate()


@docker
def test_a_full_disk_is_told_as_what_it_is_and_work_begins_when_there_is_space(
    gateway: TestGateway, small_agent: Agent, small_disk: SmallDisk, stack: Stack
) -> None:
    gateway.incarnation = "first"
    small_agent.start()
    gateway.condition(lambda each: each.engine_answers and not each.fault)
    assert gateway.conditions[-1].disk_total_bytes == SMALL_BYTES
    small_disk.fill()
    command = stack.deploy()
    gateway.send(command)
    told = gateway.condition(lambda each: each.fault)
    assert told.fault.startswith(f"The disk with {small_agent.state_dir} is full"), told
    assert told.disk_free_bytes < 1024 * 1024
    beats = len(gateway.heartbeats)
    gateway.until(lambda: len(gateway.heartbeats) >= beats + 3, what="heartbeats")
    assert len(gateway.hellos) == 1
    assert gateway.acknowledged(command.command_id) == []
    gateway.incarnation = "restored"
    gateway.disconnect()
    gateway.until(lambda: len(gateway.hellos) == 2, what="the agent's return")
    gateway.condition(lambda each: each.fault)
    beats = len(gateway.heartbeats)
    gateway.until(lambda: len(gateway.heartbeats) >= beats + 3, what="heartbeats")
    small_disk.free()
    gateway.send(command)  # as a gateway does with what is not acknowledged
    assert gateway.finished(command.command_id).outcome
    gateway.condition(lambda each: not each.fault)
    assert len(gateway.hellos) == 2


@docker
def test_a_disk_that_fills_up_under_work_ends_no_command(
    gateway: TestGateway, small_agent: Agent, small_disk: SmallDisk, stack: Stack
) -> None:
    small_agent.start()
    command = stack.deploy()
    gateway.send(command)
    gateway.until(lambda: gateway.observed(command.command_id, "db", "running"), what="db")
    small_disk.fill()
    gateway.condition(lambda each: "is full" in each.fault)
    small_disk.free()
    assert gateway.finished(command.command_id).outcome == 1
    assert len(gateway.hellos) == 1


@docker
def test_a_disk_that_is_full_at_the_start_is_waited_for(
    gateway: TestGateway, small_agent: Agent, small_disk: SmallDisk
) -> None:
    small_disk.fill()
    small_agent.start()
    small_agent.wait_for_log("is full")
    small_disk.free()
    gateway.condition(lambda each: each.engine_answers)


@docker
def test_no_token_is_used_up_that_could_not_be_kept(
    gateway: TestGateway, small_agent: Agent, small_disk: SmallDisk
) -> None:
    gateway.stop()
    small_agent.start()
    small_agent.wait_for_log("not connected")
    small_disk.fill()
    gateway.start()
    small_agent.wait_for_log("There is no room for the credential")
    assert gateway.registrations == []
    small_disk.free()
    gateway.until(lambda: gateway.heartbeats, what="a heartbeat")
    assert len(gateway.registrations) == 1


@docker
def test_a_disk_that_becomes_nearly_full_is_told_before_the_next_beat(small_disk: SmallDisk, tmp_path: Path) -> None:
    host = cast(DockerHost, SimpleNamespace(state=EngineState(answers=True)))
    with contextlib.closing(Store(tmp_path / "journal.db")) as store:
        dog = Watchdog(after=60, clock=time.monotonic)
        check = SelfCheck(host=host, journal=Journal(store), watchdog=dog, state_dir=small_disk.folder)
        check.condition()
        assert not check.space_moved()
        small_disk.fill()
        assert check.space_moved()
        told = check.condition()
        assert told is not None
        assert condition_from_wire(told).little_space
        assert not check.space_moved()
        small_disk.free()
        assert check.space_moved()


def test_work_that_does_not_move_is_told_with_what_it_waits_for(
    gateway: TestGateway, tmp_path: Path, stack: Stack
) -> None:
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start(AXION_AGENT__AGENT__STALLED_AFTER_SECONDS="2")
    try:
        # Long enough for a condition, one of which goes every second, to find it standing still.
        command = slow_build(gateway, stack, seconds=10).deploy()
        gateway.send(command)
        # Before it, on a busy machine, anything else may take as long.
        (stalled,) = gateway.condition(lambda each: [one.step for one in each.stalled] == ["docker buildx"]).stalled
        assert (stalled.command_id, stalled.deployment_id) == (command.command_id, command.deployment_id)
        assert (stalled.step, stalled.seconds >= 2) == ("docker buildx", True)
        assert gateway.finished(command.command_id).outcome == 1
        gateway.condition(lambda each: not each.stalled)
        assert re.search(rf"{command.command_id} has not moved for \d+ s: docker buildx", agent.log())
    finally:
        agent.terminate()


@docker
def test_an_old_gateway_gets_no_condition(gateway: TestGateway, tmp_path: Path) -> None:
    gateway.protocol = 1
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start()
    gateway.until(lambda: len(gateway.heartbeats) >= 4, what="heartbeats")
    agent.terminate()
    assert gateway.conditions == []


def test_the_watchdog_knows_who_stands_still() -> None:
    now = 0.0
    dog = Watchdog(after=60, clock=lambda: now)
    first = dog.begin(command_id="c1", deployment_id="d1")
    second = dog.begin(command_id="c2", deployment_id="d2")
    first.begin_step("docker compose")
    second.begin_step("docker pull")
    now = 30.0
    second.note_activity()
    now = 61.0
    assert [(each.command_id, each.seconds, each.step) for each in dog.stalled()] == [("c1", 61, "docker compose")]
    first.wait_for("Docker")  # no move
    assert [each.step for each in dog.stalled()] == ["Docker"]
    first.note_activity()
    now = 90.0
    assert [each.command_id for each in dog.stalled()] == ["c2"]
    dog.end("c2")
    assert dog.stalled() == []
    first.begin_step("docker build")
    now = 145.0
    assert dog.stalled() == [], "a step that begins is a move"
    for number in range(2 * MAX_STALLED):
        now += 1
        dog.begin(command_id=f"many-{number}", deployment_id="d")
    now += 60
    told = [each.command_id for each in dog.stalled()]
    assert told == ["c1", *(f"many-{number}" for number in range(MAX_STALLED - 1))]


def test_a_command_that_waits_for_its_turn_is_told_with_what_it_waits_for_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """More lanes have work than are worked on at once: to people it looks as if nothing happened."""
    now = 0.0
    store = Store(tmp_path / "journal.sqlite3")
    journal = Journal(store)
    for name in ("c1", "c2"):
        journal.receive(pb.Command(command_id=name, lane=name, number=1, deployment_id=f"d-{name}", deploy=pb.Deploy()))
    dog = Watchdog(after=60, clock=lambda: now)
    host = cast(DockerHost, SimpleNamespace(state=EngineState(answers=True)))
    fitness = SelfCheck(host=host, journal=journal, watchdog=dog, state_dir=tmp_path)

    def stalled() -> list[tuple[str, str, int, str]]:
        told = fitness.condition()
        assert told is not None
        return [(each.command_id, each.deployment_id, each.seconds, each.step) for each in told.stalled]

    first = dog.begin(command_id="c1", deployment_id="d-c1")
    assert stalled() == []
    now = 60.0
    first.begin_step("docker compose")
    waits = ("c2", "d-c2", 60, "other work on this server")
    assert (stalled(), stalled()) == ([waits], [waits])
    assert caplog.text.count("command c2 has not moved") == 1
    now = 125.0
    assert [each[0] for each in stalled()] == ["c1", "c2"]
    dog.end("c1")
    dog.begin(command_id="c2", deployment_id="d-c2")
    assert dog.stalled() == [], "what begins has moved"
    journal.finish(pb.Report(command_id="c1"))
    assert stalled() == []
    store.close()


@pytest.mark.parametrize(
    ("written", "said"),
    [(b"no journal " * 999, "is damaged"), (b"", "Move it away")],
    ids=["another file", "a page lost"],
)
def test_a_damaged_journal_ends_the_agent_with_a_sentence_and_a_code(tmp_path: Path, written: bytes, said: str) -> None:
    agent = Agent(state_dir=tmp_path / "state", port=1)
    agent.state_dir.mkdir()
    path = agent.state_dir / "journal.sqlite3"
    if not written:
        Store(path).close()
        whole = path.read_bytes()
        written = whole[:4096] + bytes(4096) + whole[8192:]
    path.write_bytes(written)
    agent.start()
    assert agent.process is not None
    assert agent.process.wait(20) == 3
    assert said in agent.log()
    assert "Traceback" not in agent.log()
    assert path.read_bytes() == written


def test_a_folder_that_cannot_be_used_ends_it_with_another_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    agent = Agent(state_dir=tmp_path / "file" / "state", port=1, log_file=tmp_path / "agent.log")
    agent.start()
    assert agent.process is not None
    assert agent.process.wait(20) == 2
    assert "agent.state_dir" in agent.log()
    assert "Traceback" not in agent.log()
