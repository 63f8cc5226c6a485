"""All that an agent's process has of jobs on a schedule, in one value."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from agents.contracts import runner_pb2 as pb
from agents.runner.control_plane.client import GatewayCalls, once
from agents.runner.docker.engine import Engine
from agents.runner.docker.run_containers import RunContainers
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.releases import Releases
from agents.runner.journal.scheduled_runs import ScheduledRuns
from agents.runner.planning.codec import stack_of
from agents.runner.schedules.output import Outputs
from agents.runner.schedules.scheduler import Scheduler
from agents.runner.schedules.telling import JobRunSender
from agents.runner.schedules.watch import RunWatch


class Schedules:
    """Made before there is a loop, connected within one. `look_soon` and `start` are safe across threads."""

    def __init__(self, *, engine: Engine, journal: Journal, releases: Releases) -> None:
        self._runs = ScheduledRuns(store=journal.store)
        self._sender: JobRunSender | None = None
        self._ask_values: Callable[[str], Mapping[str, str]] | None = None
        containers = RunContainers(engine=engine)
        outputs = Outputs(containers=containers, releases=releases, ask_values=self._values_of)
        self._scheduler = Scheduler(
            runs=self._runs,
            releases=releases,
            containers=containers,
            watch=RunWatch(runs=self._runs, releases=releases, containers=containers, outputs=outputs),
            busy=lambda: {stack_of(entry.command()) for entry in journal.unfinished()},
            changed=self._wake,
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self, *, timeout: float) -> None:
        """End without ending what runs: the next process goes on watching it."""
        self._scheduler.stop(timeout=timeout)

    def look_soon(self) -> None:
        self._scheduler.look_soon()

    def connect(self, calls: GatewayCalls) -> None:
        """Say whom to ask for values, in the loop in which runs are told."""
        self._sender = JobRunSender(runs=self._runs)
        self._ask_values = once(calls.fetch_values, asyncio.get_running_loop())

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Tell what became of runs until cancelled."""
        if self._sender is None:
            raise RuntimeError("Runs are told only after the session was built.")
        await self._sender.run(write, protocol=protocol)

    def take(self, message: pb.ToAgent) -> None:
        """Take in what the gateway says of runs; any other message is nobody's business here."""
        if message.HasField("job_runs_stored") and self._sender is not None:
            self._sender.stored(message.job_runs_stored)
        elif message.HasField("stop_job_runs"):
            self._scheduler.stop_runs(message.stop_job_runs.run_ids)

    def _values_of(self, deployment_id: str) -> Mapping[str, str]:
        if self._ask_values is None:
            raise TimeoutError
        return self._ask_values(deployment_id)

    def _wake(self) -> None:
        if self._sender is not None:
            self._sender.wake()
