"""An agent that lost its journal, or has an older copy, touches nothing that it did not record."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy, ids
from tests.runner.conftest import Agent, Containers
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker


def lose_journal(agent: Agent, gateway: TestGateway) -> None:
    agent.kill()
    for each in agent.state_dir.glob("journal.sqlite3*"):
        each.unlink()
    start(agent, gateway)


def start(agent: Agent, gateway: TestGateway) -> None:
    met = len(gateway.hellos)
    agent.start()
    gateway.until(lambda: len(gateway.hellos) > met, what="the agent to be back")


def late(stack: Stack, command: pb.Command) -> pb.Command:
    """The order to go back that nobody asked for."""
    order = stack.revert(command)
    order.revert.keep_proven = True
    return order


def test_a_revert_after_a_lost_journal_leaves_all_alone_and_says_so(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    command = stack.deploy()
    deploy(gateway, command)
    before = ids(containers)
    lose_journal(agent, gateway)
    reverted = deploy(gateway, stack.revert(command))
    assert (reverted.outcome, reverted.previous_stack_running) == (pb.FAILED, False)
    assert "journal does not know" in reverted.message
    assert ids(containers) == before


def test_a_failed_deployment_after_a_lost_journal_removes_nothing(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = ids(containers)
    lose_journal(agent, gateway)
    finished = deploy(gateway, stack.with_service("web", mode="sick", version="2").deploy())
    assert finished.outcome == pb.FAILED
    assert "could not be put back" in finished.message
    assert {name: ids(containers)[name] for name in ("db", "worker")} == {
        name: before[name] for name in ("db", "worker")
    }


def test_an_older_copy_does_not_bring_back_what_it_remembers(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    agent.terminate()
    shutil.copy(agent.state_dir / "journal.sqlite3", agent.state_dir.parent / "copy")
    start(agent, gateway)
    second = stack.with_service("web", version="2").deploy()
    deploy(gateway, second)
    before = ids(containers)
    agent.terminate()
    shutil.copy(agent.state_dir.parent / "copy", agent.state_dir / "journal.sqlite3")
    start(agent, gateway)
    reverted = deploy(gateway, stack.revert(second))
    assert reverted.outcome == pb.FAILED, reverted
    assert ids(containers) == before


def keep_copy(agent: Agent, gateway: TestGateway) -> None:
    agent.terminate()
    shutil.copy(agent.state_dir / "journal.sqlite3", agent.state_dir.parent / "copy")
    start(agent, gateway)


def bring_copy_back(agent: Agent, gateway: TestGateway) -> None:
    agent.terminate()
    shutil.copy(agent.state_dir.parent / "copy", agent.state_dir / "journal.sqlite3")
    start(agent, gateway)


def test_a_failure_with_an_older_copy_goes_back_to_nothing_that_ran_long_before(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    first = stack.deploy()
    deploy(gateway, first)
    keep_copy(agent, gateway)
    deploy(gateway, stack.with_service("web", version="2").deploy())
    bring_copy_back(agent, gateway)
    finished = deploy(gateway, stack.with_service("web", mode="sick", version="3").deploy())
    assert finished.outcome == pb.FAILED, finished
    assert "could not be put back" in finished.message
    assert containers()["web"]["Config"]["Labels"]["axion.deployment"] != first.deployment_id


def test_a_revert_with_an_older_copy_leaves_what_it_does_not_know(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    second = stack.with_service("web", version="2").deploy()
    deploy(gateway, second)
    keep_copy(agent, gateway)
    deploy(gateway, stack.with_service("web", version="3").deploy())
    before = ids(containers)
    bring_copy_back(agent, gateway)
    reverted = deploy(gateway, stack.revert(second))
    assert reverted.outcome == pb.FAILED, reverted
    assert "journal does not know" in reverted.message
    assert ids(containers) == before


def test_what_was_proven_before_a_revert_that_nobody_asked_for_stays(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, engine: Any
) -> None:
    command = stack.deploy()
    proven = deploy(gateway, command)
    before = ids(containers)
    answered = deploy(gateway, late(stack, command))
    assert answered.outcome == pb.SUCCEEDED
    assert [each.image_digest for each in answered.services] == [each.image_digest for each in proven.services]
    assert ids(containers) == before
    assert deploy(gateway, stack.revert(command)).outcome == pb.RESTORED
    assert ids(containers) == {}
