"""The agent in memory that tests of settling use says what the real one says on a real engine, and leaves the same."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from agents.contracts import runner_pb2 as pb
from tests.deployments.machine import Machine, instead_of_docker
from tests.runner.commands.test_deploy import deployment_of
from tests.runner.conftest import Agent, Containers
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
MAX_SECONDS = 150.0
# Outcome, reason, the service that failed, whether what ran before runs, and the services that are reported.
Answer = tuple[int, str, str, bool, tuple[str, ...]]


class Runner(Protocol):
    """What the script below asks of either agent."""

    def carry_out(self, command: pb.Command, *, sick: bool) -> pb.CommandFinished: ...
    def running(self) -> dict[str, str]: ...
    def copy_journal(self) -> None: ...
    def put_journal(self) -> None: ...
    def lose_journal(self) -> None: ...


@dataclass
class InMemory:
    """The double."""

    folder: Path
    sick: bool = False
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.machine = Machine(folder=self.folder, chance=lambda what: what == "sick" and self.sick)

    def carry_out(self, command: pb.Command, *, sick: bool) -> pb.CommandFinished:
        self.sick = sick
        self.machine.journal.receive(command)
        assert self.machine.work()
        row = self.machine.store.row("SELECT final FROM commands WHERE id = ?", command.command_id)
        assert row is not None
        return pb.Report.FromString(row["final"]).finished

    def running(self) -> dict[str, str]:
        return {each.service: each.deployment_id for each in self.machine.engine.containers()}

    def copy_journal(self) -> None:
        self.machine.copy_journal(self.folder / "copy")

    def put_journal(self) -> None:
        self.machine.put_journal(self.folder / "copy")

    def lose_journal(self) -> None:
        self.machine.put_journal(None)


@dataclass
class OnDocker:
    """The real one, in a process of its own."""

    agent: Agent
    gateway: TestGateway
    containers: Containers

    def carry_out(self, command: pb.Command, *, sick: bool) -> pb.CommandFinished:
        del sick
        self.gateway.send(command)
        return self.gateway.finished(command.command_id, seconds=MAX_SECONDS)

    def running(self) -> dict[str, str]:
        return {name: deployment_of(each) for name, each in self.containers().items()}

    def copy_journal(self) -> None:
        self.agent.terminate()
        shutil.copy(self.journal, self.copy)
        self._start()

    def put_journal(self) -> None:
        self.lose_journal(instead=self.copy)

    def lose_journal(self, *, instead: Path | None = None) -> None:
        self.agent.terminate()
        for each in self.agent.state_dir.glob("journal.sqlite3*"):
            each.unlink()
        if instead is not None:
            shutil.copy(instead, self.journal)
        self._start()

    def _start(self) -> None:
        met = len(self.gateway.hellos)
        self.agent.start()
        self.gateway.until(lambda: len(self.gateway.hellos) > met, what="the agent's return", seconds=MAX_SECONDS)

    @property
    def journal(self) -> Path:
        return self.agent.state_dir / "journal.sqlite3"

    @property
    def copy(self) -> Path:
        return self.agent.state_dir.parent / "copy"


def answer_of(finished: pb.CommandFinished) -> Answer:
    names = tuple(sorted(each.service_name for each in finished.services))
    return finished.outcome, finished.reason, finished.failed_service, finished.previous_stack_running, names


def act(runner: Runner, stack: Stack) -> list[tuple[Answer, dict[str, str]]]:
    """One story for both: successes, failures with and without a journal that knows what ran before, orders to go back.

    Each answer comes with what runs then: service to the number of the deployment whose container it is.
    """
    stack = replace(stack, services=stack.services[:2], numbers=[])
    numbers: dict[str, str] = {}
    story: list[tuple[Answer, dict[str, str]]] = []

    def carry_out(command: pb.Command, *, sick: bool = False) -> None:
        numbers.setdefault(command.deployment_id, f"d{len(numbers) + 1}")
        answer = answer_of(runner.carry_out(command, sick=sick))
        story.append((answer, {name: numbers[each] for name, each in sorted(runner.running().items())}))

    def version(number: str, **changes: Any) -> pb.Command:
        return stack.with_service("db", version=number, **changes).deploy()

    carry_out(stack.deploy())
    carry_out(version("2", mode="sick"), sick=True)
    runner.copy_journal()
    newer = version("3")
    carry_out(newer)
    runner.put_journal()
    carry_out(version("4", mode="sick"), sick=True)
    carry_out(stack.revert(newer))
    carry_out(version("5"))
    carry_out(stack.stop())
    runner.lose_journal()
    carry_out(stack.deploy())
    return story


@pytest.mark.timeout(900)
def test_both_say_the_same_and_leave_the_same(
    agent: Agent,
    gateway: TestGateway,
    stack: Stack,
    containers: Containers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        instead_of_docker(patch)
        in_memory = act(InMemory(folder=tmp_path / "memory"), stack)
    real = act(OnDocker(agent=agent, gateway=gateway, containers=containers), stack)
    assert in_memory == real
    outcomes = [answer[0] for answer, _ in real]
    assert outcomes == [
        pb.SUCCEEDED, pb.RESTORED, pb.SUCCEEDED, pb.FAILED, pb.RESTORED, pb.SUCCEEDED, pb.SUCCEEDED, pb.SUCCEEDED,
    ]  # fmt: skip
    assert [running for _, running in real][:4] == [
        {"db": "d1", "web": "d1"},
        {"db": "d1", "web": "d1"},
        {"db": "d3", "web": "d1"},
        {"db": "d4", "web": "d1"},
    ]
