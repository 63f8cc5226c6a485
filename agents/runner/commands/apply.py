"""Bring a stack to its target: walk the plan, watch Docker's events, end at the first service that fails."""

from __future__ import annotations

import contextlib
import queue
import re
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from agents.runner.commands.context import Work
from agents.runner.commands.starting.compose_calls import ComposeCalls
from agents.runner.commands.starting.health_looks import HealthLooks
from agents.runner.commands.switch import GatewaySwitch
from agents.runner.control_plane.reports import HEALTH_CHECKING
from agents.runner.docker.cli import TAIL_LINES
from agents.runner.docker.processes import Ending
from agents.runner.errors import RemovalInProgressError, StepFailedError
from agents.runner.interrupt import ABANDONED, Interrupt
from agents.runner.machine import listening_program
from agents.runner.planning import progress
from agents.runner.planning.health_gate import Failure, HealthGate
from agents.runner.planning.model import Container, Release, Target
from agents.runner.planning.observed import describe
from agents.runner.planning.plan import Plan
from agents.runner.planning.ports import service_in, taken_port, taken_sentence
from agents.runner.planning.steps import REMOVE, RETIRE, STARTING, Operation, take_ready

# Events wake us; this is for the event that never came.
SAFETY_POLL_SECONDS = 5.0
SLACK_SECONDS = 30.0
# Of a deployment that fails; its log has room for all of them beside what Docker says.
MAX_KEPT_CONTAINERS = 20
KEPT_LINES = 200
MAX_KEPT_BYTES = 64 * 1024
# The engine's words for a container that goes, or went, while Compose was about to stop, start or remove it.
BEING_REMOVED = re.compile(r"marked for removal|removal of container \S+ is already in progress|No such container")
# How Compose ended and its last lines, some day; and the services it starts.
Call = tuple[Future[tuple[Ending, tuple[str, ...]]], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What to reach and how patiently. `release` is whose stack it is; seconds.

    `strict`: what this release starts must not even be unhealthy for a moment. Going back is not strict: any state that
    still becomes the former one will do.
    """

    release: Release
    target: Target
    deadline: float
    window: float
    strict: bool


class Applier:
    """Applies one plan, once. Containers are judged by what Docker says of them, never by an exit code alone."""

    def __init__(self, *, work: Work, goal: Goal) -> None:
        self._work = work
        self._goal = goal
        mine = [name for name, owner in goal.target.owners.items() if owner == goal.release.deployment_id]
        hasty = frozenset(mine if goal.strict else ())
        self._gate = HealthGate(target=goal.target, deadline=goal.deadline, window=goal.window, hasty=hasty)
        self._calls = ComposeCalls(
            work=work, release=goal.release, target=goal.target, deadline=goal.deadline, gate=self._gate
        )
        self._looks = HealthLooks(work=work, wake=self._wake)
        self._give_up_at = float("inf")
        # One wake-up waiting is enough, however many events came.
        self._wakes: queue.Queue[None] = queue.Queue(maxsize=1)

    def apply_plan(self, plan: Plan, *, observed: tuple[Container, ...]) -> tuple[Container, ...]:
        """Carry out the plan, which was made from `observed`; return what runs in the end.

        Raises StepFailedError or InterruptedWorkError.
        """
        self._calls.check_stacks(plan)
        touched = plan.services(*STARTING)
        self._gate.stale = {item.id: item.service for item in observed if item.service in touched}
        self._gate.leaving = plan.leaving
        release = self._goal.release
        switch = GatewaySwitch(work=self._work, release=release, plan=plan)
        watch = self._work.host.watch(stack=release.stack, wake=self._wake)
        forget = self._work.interrupt.on_set(self._wake)
        try:
            for operation in plan.operations:
                self._work.interrupt.check()
                if operation.kind == REMOVE:
                    self._work.host.remove_containers(operation.container_ids)
            starts = [operation for operation in plan.operations if operation.kind in STARTING]
            observed = self._start(starts, switch, observed)
            self._work.reporter.stage(HEALTH_CHECKING, progress.WATCHING, "Checking health.")
            switch.pin_gateways(observed)
            self._give_up_at = self._deadline()
            observed = self._wait_until_passed()
            if plan.leaving:
                observed = self._switch_over(plan, switch, observed)
            switch.reset_gateways(observed)
            return observed
        finally:
            self._looks.close()
            forget()
            watch.close()

    def _switch_over(self, plan: Plan, switch: GatewaySwitch, observed: tuple[Container, ...]) -> tuple[Container, ...]:
        """Lead requests to the new copies, now that all are proven, and only then end the old ones."""
        names = ", ".join(sorted(plan.services(RETIRE)))
        self._work.reporter.stage(HEALTH_CHECKING, progress.SWITCHING, f"The copies that stay take over: {names}.")
        switch.route_to_staying(observed)
        self._work.host.remove_containers(tuple(sorted(plan.leaving)))
        return self._wait_until_passed()

    def _start(
        self, operations: Sequence[Operation], switch: GatewaySwitch, observed: tuple[Container, ...]
    ) -> tuple[Container, ...]:
        """Start each operation once what it needs answers, one call of Compose at a time; return when all are ready."""
        waiting, started = tuple(operations), [name for each in operations for name in each.services]
        call: Call | None = None
        interrupt = Interrupt(parent=self._work.interrupt)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="compose") as pool:
            try:
                while waiting or call or not self._gate.ready(started):
                    operation = None
                    if call is None:
                        operation, waiting = take_ready(waiting, is_ready=lambda each: self._gate.ready(each.needs))
                    if operation is not None:
                        switch.pin_gateways(observed)
                        # While Compose works, its own deadline counts.
                        self._give_up_at = float("inf")
                        call = pool.submit(self._calls.start, operation, interrupt), operation.services
                        call[0].add_done_callback(lambda _: self._wake())
                    self._wait()
                    if call is not None and call[0].done():
                        self._judge_call(*call)
                        call = None
                    observed = self._look_sooner(waiting)
            finally:
                interrupt.set(ABANDONED)
                interrupt.close()
        self._looks.look(())
        return observed

    def _look_sooner(self, waiting: Sequence[Operation]) -> tuple[Container, ...]:
        """Take a snapshot, and ask what operations wait for by its own health command: Docker would ask later."""
        for run in self._looks.answered():
            self._gate.note_answer(run)
        observed = self._look()
        needed = {name for operation in waiting for name in operation.needs}
        self._looks.look(self._gate.unanswered(needed, observed=observed))
        return observed

    def _judge_call(self, call: Future[tuple[Ending, tuple[str, ...]]], services: Sequence[str]) -> None:
        """Judge these services as they are from now on; raise StepFailedError where Compose failed."""
        ended, tail = call.result()
        self._give_up_at = self._deadline()
        self._gate.start_judging(services)
        if ended.code == 0:
            return
        if any(map(BEING_REMOVED.search, tail)):
            message = f"Docker Compose met a container that was being removed: {_last_line(tail)}"
            raise RemovalInProgressError("apply", message, log_tail=tail)
        self._gate.start_judging(service.name for service in self._goal.target.services)
        culprit = self._gate.culprit(observed=self._look())
        if culprit is not None:
            raise self._failed(culprit)
        if (port := taken_port(tail)) is not None:
            raise self._port_taken(port, tail)
        trouble = f"was not done after {self._calls.seconds:.0f} s" if ended.late else "could not start the stack"
        raise StepFailedError("apply", f"Docker Compose {trouble}: {_last_line(tail)}", log_tail=tail)

    def _port_taken(self, port: int, tail: tuple[str, ...]) -> StepFailedError:
        release = self._goal.release
        holders = self._work.host.holders_of(port=port)
        program = "" if holders else listening_program(port)
        sentence = taken_sentence(port=port, project_id=release.project_id, holders=holders, program=program)
        names = [service.name for service in release.services]
        service = service_in(tail, stack=release.stack, services=names)
        return StepFailedError("apply", sentence, service=service, log_tail=tail)

    def _wait_until_passed(self) -> tuple[Container, ...]:
        """Wait until every service runs at the target and has been healthy for the window; return what runs."""
        observed = self._look()
        while not self._gate.passed(at=self._work.clock()):
            self._wait()
            observed = self._look()
        return observed

    def _look(self) -> tuple[Container, ...]:
        """Take a snapshot, report what is new in it, and raise StepFailedError when a service failed."""
        release, target = self._goal.release, self._goal.target
        observed = self._work.host.containers(stack=release.stack, project_id=release.project_id)
        staying = tuple(container for container in observed if container.id not in self._gate.leaving)
        self._work.reporter.services(
            describe(service=service, observed=staying, owner=target.owners[service.name])
            for service in target.services
        )
        failure = self._gate.look(observed=observed, at=self._work.clock())
        if failure is not None:
            self._keep_lines(observed, first=failure.container_id)
            raise self._failed(failure)
        return observed

    def _keep_lines(self, observed: tuple[Container, ...], *, first: str) -> None:
        """Write the last lines of what this deployment started into its log: the containers go, the log stays."""
        own = [each for each in observed if each.deployment_id == self._goal.release.deployment_id and not each.is_job]
        for container in sorted(own, key=lambda each: each.id != first)[:MAX_KEPT_CONTAINERS]:
            lines = self._work.host.log_tail(container_id=container.id, lines=KEPT_LINES)
            if kept := newest_within(lines, limit=MAX_KEPT_BYTES):
                text = "".join(f"{line}\n" for line in kept)
                self._work.reporter.log(source="service", service=container.service, text=text)

    def _failed(self, failure: Failure) -> StepFailedError:
        tail = self._work.host.log_tail(container_id=failure.container_id, lines=TAIL_LINES)
        message = f"{failure.message} Its last lines are below."
        return StepFailedError("unhealthy", message, service=failure.service, log_tail=tail)

    def _wait(self) -> None:
        """Wait for an event, or until time alone could change the verdict. Raises InterruptedWorkError."""
        pause = min(SAFETY_POLL_SECONDS, self._gate.next_look(at=self._work.clock()) + 0.01, self._looks.next_look())
        with contextlib.suppress(queue.Empty):
            self._wakes.get(timeout=pause)
        self._work.interrupt.check()
        if self._work.clock() > self._give_up_at:
            raise StepFailedError("unhealthy", "The stack was started, but not every service came up in time.")

    def _deadline(self) -> float:
        return self._work.clock() + self._goal.deadline + self._goal.window + SLACK_SECONDS

    def _wake(self) -> None:
        with contextlib.suppress(queue.Full):
            self._wakes.put_nowait(None)


def _last_line(tail: tuple[str, ...]) -> str:
    lines = [line.strip() for line in tail if line.strip()]
    return lines[-1] if lines else "it printed nothing."


def newest_within(lines: Sequence[str], *, limit: int) -> list[str]:
    """Return the last lines, of at most so many bytes together. Pure."""
    kept: list[str] = []
    for line in reversed(lines):
        limit -= len(line.encode()) + 1
        if limit < 0:
            break
        kept.append(line)
    return kept[::-1]
