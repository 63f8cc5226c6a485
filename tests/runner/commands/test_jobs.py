"""Jobs that run once before: in the new stack, before any switch, at most once, gone with a cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Service, Stack

pytestmark = pytest.mark.docker
Starts = Callable[[], dict[str, int]]
Containers = Callable[[], dict[str, dict[str, Any]]]
WORKS = "import os; print('migrated to', os.environ['VERSION'])"
FAILS = "import sys; print('no such column'); sys.exit(7)"
WAITS = "import time; print('at work', flush=True); time.sleep(600)"


def with_job(stack: Stack, program: str, **fields: Any) -> Stack:
    """db <- migrate <- worker."""
    job = Service(name="migrate", image=stack.services[0].image, level=1, needs=("db",), job=program, **fields)
    others = stack.with_service("worker", needs=("db", "migrate"), level=2).services
    return replace(stack, services=(*others, job))


def ids(containers: Containers) -> dict[str, str]:
    return {name: found["Id"] for name, found in containers().items()}


def test_it_runs_before_what_depends_on_it_and_again_at_the_next_deployment(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, containers: Containers
) -> None:
    wanted = with_job(stack, WORKS, version="1")
    first = wanted.deploy()
    gateway.send(first)
    finished = gateway.finished(first.command_id)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert {each.service_name for each in finished.services} == {"db", "web", "worker"}
    log = gateway.log(first.command_id)
    assert log.index("migrated to 1") < log.index("up worker")
    assert sorted(containers()) == ["db", "web", "worker"]
    before = ids(containers)
    second = wanted.with_service("migrate", version="2").deploy()
    gateway.send(second)
    assert gateway.finished(second.command_id).outcome == pb.SUCCEEDED
    assert "migrated to 2" in gateway.log(second.command_id)
    assert starts() == {"d1 db": 1, "d1 migrate": 1, "d1 web": 1, "d1 worker": 1, "d2 migrate": 1}
    assert ids(containers) == before


def test_one_that_fails_leaves_what_ran_before_untouched(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, containers: Containers
) -> None:
    wanted = with_job(stack, WORKS)
    first = wanted.deploy()
    gateway.send(first)
    assert gateway.finished(first.command_id).outcome == pb.SUCCEEDED
    before = ids(containers)
    changed = replace(wanted, services=(*wanted.services[:-1], replace(wanted.services[-1], job=FAILS)))
    second = changed.with_service("worker", version="2").with_service("web", version="2").deploy()
    gateway.send(second)
    finished = gateway.finished(second.command_id)
    assert finished.outcome == pb.RESTORED, finished
    assert finished.failed_service == "migrate"
    assert "exited with code 7" in finished.message
    assert list(finished.log_tail) == ["no such column"]
    assert ids(containers) == before
    assert {name for name in starts() if name.startswith("d2")} == {"d2 migrate"}


def test_a_cancel_ends_it_and_an_agent_that_died_looks_what_became_of_it(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, containers: Containers
) -> None:
    command = with_job(stack, WAITS).deploy()
    gateway.send(command)
    gateway.until(lambda: "at work" in gateway.log(command.command_id), what="the job's output")
    agent.kill()
    agent.start()
    gateway.until(lambda: gateway.log(command.command_id).count("at work") > 1, what="the same job's output again")
    revert = stack.revert(command)
    revert.number = command.number + 1
    gateway.send(revert)
    assert gateway.finished(revert.command_id).outcome == pb.RESTORED
    assert containers() == {}
    assert starts()["d1 migrate"] == 1


def test_one_by_hand_runs_when_asked_for_alone_and_at_most_once(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts, containers: Containers, engine: Any
) -> None:
    wanted = with_job(stack, WORKS, by_hand=True).with_service("worker", needs=("db",))
    first = wanted.deploy()
    gateway.send(first)
    assert gateway.finished(first.command_id).outcome == pb.SUCCEEDED
    assert "d1 migrate" not in starts()
    before = ids(containers)
    pinned = {name: each["Image"] for name, each in containers().items()}
    asked = wanted.deploy(pinned=pinned, restarts=("migrate",))
    gateway.send(asked)
    finished = gateway.finished(asked.command_id)
    assert finished.outcome == pb.SUCCEEDED, finished
    assert "migrated to 1" in gateway.log(asked.command_id)
    assert ids(containers) == before
    # One that takes longer than it may is ended.
    late = replace(wanted, services=(*wanted.services[:-1], replace(wanted.services[-1], job=WAITS, timeout=1)))
    slow = late.deploy(pinned=pinned, restarts=("migrate",))
    gateway.send(slow)
    finished = gateway.finished(slow.command_id)
    assert finished.outcome == pb.RESTORED, finished
    assert "1 s" in finished.message
    assert ids(containers) == before
    # One whose container is gone with its agent is not run again, and what runs stays.
    lost = replace(wanted, services=(*wanted.services[:-1], replace(wanted.services[-1], job=WAITS)))
    cut = lost.deploy(pinned=pinned, restarts=("migrate",))
    gateway.send(cut)
    gateway.until(lambda: "at work" in gateway.log(cut.command_id), what="the job's output")
    agent.kill()
    engine.remove_container(containers()["migrate"]["Id"], force=True)
    agent.start()
    finished = gateway.finished(cut.command_id)
    assert finished.outcome == pb.RESTORED, finished
    assert "Outcome unknown" in finished.message
    assert "run it again" in finished.message
    assert ids(containers) == before
    assert {name: count for name, count in starts().items() if "migrate" in name} == {
        f"d{number} migrate": 1 for number in (2, 3, 4)
    }


@pytest.mark.parametrize(("repeatable", "outcome"), [(False, pb.RESTORED), (True, pb.SUCCEEDED)])
def test_one_that_went_while_nobody_looked_has_an_unknown_outcome(
    agent: Agent,
    gateway: TestGateway,
    stack: Stack,
    starts: Starts,
    containers: Containers,
    engine: Any,
    *,
    repeatable: bool,
    outcome: int,
) -> None:
    # A second run ends by itself: it finds what the first one left in its volume.
    leaves = "import os, time; again = os.path.exists('/data/once'); open('/data/once', 'w').close(); "
    program = f"{leaves}print('at work', flush=True); time.sleep(0 if again else 600)"
    wanted = with_job(stack, program, repeatable=repeatable, volume=True)
    command = wanted.deploy()
    gateway.send(command)
    gateway.until(lambda: "at work" in gateway.log(command.command_id), what="the job's output")
    agent.kill()
    engine.remove_container(containers()["migrate"]["Id"], force=True)
    agent.start()
    finished = gateway.finished(command.command_id)
    assert finished.outcome == outcome, finished
    assert ("Outcome unknown" in finished.message) is not repeatable
    assert starts()["d1 migrate"] == (2 if repeatable else 1)
