"""Jobs on a schedule with a real engine, after their agent and without a control plane; the clock is the test's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.engine import Engine
from agents.runner.docker.run_containers import RunContainers
from agents.runner.journal.releases import Releases
from agents.runner.journal.scheduled_runs import ScheduledRuns
from agents.runner.journal.store import Store
from agents.runner.schedules.output import Outputs
from agents.runner.schedules.scheduler import Scheduler
from agents.runner.schedules.watch import RunWatch
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Service, Stack

pytestmark = pytest.mark.docker
PASSWORD = "a-password-of-db"
QUICK = "import os; print('the password is', os.environ['PASSWORD'])"
SLOW = "import time; print('at work', flush=True); time.sleep(600)"
FIRST_MS = 1_900_000_040_000  # twenty seconds after a full minute
MINUTE_MS = 60_000


def on_schedule(stack: Stack) -> Stack:
    image = stack.services[0].image
    jobs = tuple(
        Service(
            name=name,
            image=image,
            level=1,
            needs=("db",),
            job=program,
            schedule="* * * * *",
            overlap=overlap,
            grace=0,
        )
        for name, program, overlap in (
            ("quick", QUICK, "forbid"),
            ("slow", SLOW, "forbid"),
            ("again", SLOW, "replace"),
            ("fails", "import sys; print('no such table'); sys.exit(7)", "forbid"),
        )
    )
    return replace(stack, services=(*stack.services[:1], *jobs), secret=True)


class Machine:
    """What an agent's process has of schedules, with a clock that the test sets and nobody to ask for values."""

    def __init__(self, agent: Agent) -> None:
        self.now_ms = FIRST_MS
        self.values: Mapping[str, str] | None = None
        self.store = Store(agent.state_dir / "journal.sqlite3")
        # What the agent followed by its own clock.
        self.store.write("DELETE FROM schedule_marks")
        self.folder = agent.state_dir / "releases"
        self.runs = ScheduledRuns(store=self.store)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Be another process on the same journal."""
        releases = Releases(store=self.store, folder=self.folder)
        containers = RunContainers(engine=Engine())
        outputs = Outputs(containers=containers, releases=releases, ask_values=self._ask)
        watch = RunWatch(
            runs=self.runs, releases=releases, containers=containers, outputs=outputs, now_ms=lambda: self.now_ms
        )
        self.scheduler = Scheduler(
            runs=self.runs,
            releases=releases,
            containers=containers,
            watch=watch,
            busy=set,
            changed=lambda: None,
            now_ms=lambda: self.now_ms,
        )

    def _ask(self, _: str) -> Mapping[str, str]:
        if self.values is None:
            raise TimeoutError
        return self.values

    def told(self, job: str) -> list[pb.JobRun]:
        return [run for run in self.runs.untold(limit=1000) if run.job == job]

    def states(self, job: str) -> list[str]:
        return [run.state for run in self.told(job)]

    def until(self, condition: Callable[[], Any], *, what: str) -> None:
        give_up_at = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < give_up_at, f"{what}: {self.runs.untold(limit=1000)}"
            self.scheduler.step()
            time.sleep(0.1)


@pytest.fixture
def deployed(agent: Agent, gateway: TestGateway, stack: Stack) -> Iterator[tuple[Machine, Stack]]:
    gateway.protocol = 10
    wanted = on_schedule(stack)
    command = wanted.deploy()
    gateway.secrets[command.deployment_id] = {"PASSWORD_VALUE": PASSWORD}
    gateway.send(command)
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED
    agent.kill()
    machine = Machine(agent)
    yield machine, wanted
    machine.store.close()


def test_schedules_are_kept_by_the_agent_alone(
    agent: Agent, gateway: TestGateway, deployed: tuple[Machine, Stack], engine: Any
) -> None:
    machine, wanted = deployed

    def running(job: str) -> list[str]:
        labels = [f"com.docker.compose.project={wanted.name}", f"com.docker.compose.service={job}"]
        return [each["Id"] for each in engine.containers(filters={"label": labels})]

    machine.scheduler.step()
    assert machine.runs.untold(limit=10) == []
    assert running("quick") == running("slow") == []

    # Each begins at its time, and what was written is kept only when somebody can say what in it is secret.
    machine.now_ms += MINUTE_MS
    machine.until(lambda: machine.states("fails") == ["failed"], what="the first runs")
    machine.until(lambda: machine.states("quick") == ["succeeded"], what="the first run")
    assert machine.told("quick")[0].due_at_ms == FIRST_MS + 40_000
    assert machine.told("quick")[0].output == ""
    assert "exited with code 7" in machine.told("fails")[0].message
    machine.values = {"PASSWORD_VALUE": PASSWORD}
    machine.begin_anew()
    machine.until(lambda: machine.told("quick")[0].output, what="the output")
    assert machine.told("quick")[0].output == "the password is ***"
    machine.until(lambda: machine.told("fails")[0].output == "no such table", what="the output")
    assert machine.states("slow") == machine.states("again") == ["running"]

    # The next minute: one is left out, one replaced.
    former = running("again")
    machine.now_ms += MINUTE_MS
    machine.until(lambda: machine.states("again") == ["stopped", "running"], what="the replaced run")
    machine.until(lambda: machine.states("slow") == ["running", "skipped"], what="the run that was left out")
    machine.until(lambda: running("again") and running("again") != former, what="the new run")
    machine.until(lambda: machine.states("quick") == ["succeeded"] * 2, what="the second run")

    # Stopped by somebody: gone, and then told.
    machine.scheduler.stop_runs([machine.told("again")[-1].run_id])
    machine.until(lambda: machine.states("again") == ["stopped"] * 2, what="the end of a run")
    assert running("again") == []

    # The agent dies, and the container goes before it is back: nobody can know, and it is not run again.
    (lost,) = running("slow")
    engine.remove_container(lost, force=True)
    machine.begin_anew()
    machine.until(lambda: machine.states("slow") == ["unknown", "skipped"], what="the lost run")

    # An hour without the agent: told, not made up for.
    machine.now_ms += 60 * MINUTE_MS - 30_000
    machine.begin_anew()
    machine.until(lambda: machine.states("quick") == ["succeeded", "succeeded", "missed", "succeeded"], what="a gap")
    missed = machine.told("quick")[2]
    assert (missed.count, "did not run then" in missed.message) == (58, True)

    # Another process finds what runs, and a stop of the stack ends it with its schedule.
    machine.until(lambda: machine.states("slow")[-1] == "running", what="a run")
    machine.store.close()
    agent.start()
    gateway.until(lambda: len(gateway.hellos) == 2, what="the agent")
    stop = wanted.stop()
    gateway.send(stop)
    assert gateway.finished(stop.command_id).outcome == pb.SUCCEEDED
    labels = {"label": f"com.docker.compose.project={wanted.name}"}
    assert engine.containers(all=True, filters=labels) == []
    gateway.until(
        lambda: any((run.job, run.state) == ("slow", "stopped") for run in gateway.job_runs), what="the last word"
    )
    last = [run for run in gateway.job_runs if (run.job, run.state) == ("slow", "stopped")][-1]
    assert last.message == "The stack was stopped."
