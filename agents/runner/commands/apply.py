"""Bring a stack to its target: walk the plan, watch Docker's events, end at the first service that fails."""

from __future__ import annotations

import contextlib
import queue
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from agents.runner.commands.context import Work
from agents.runner.commands.image_volumes import provide_volumes
from agents.runner.commands.switch import GatewaySwitch
from agents.runner.control_plane.reports import HEALTH_CHECKING
from agents.runner.docker import arguments
from agents.runner.docker.cli import TAIL_LINES
from agents.runner.docker.processes import Ending
from agents.runner.docker.versions import START_INTERVAL_API, understand_start_interval
from agents.runner.errors import RemovalInProgressError, StepFailedError
from agents.runner.interrupt import ABANDONED, Interrupt
from agents.runner.machine import listening_program
from agents.runner.planning import progress
from agents.runner.planning.health_gate import Failure, HealthGate
from agents.runner.planning.model import Container, Release, Target
from agents.runner.planning.observed import describe
from agents.runner.planning.plan import Plan
from agents.runner.planning.ports import service_in, taken_port, taken_sentence
from agents.runner.planning.steps import ADD, REMOVE, RETIRE, STARTING, Operation
from agents.runner.policy.stack_check import check_stack

# Events wake us; this is for the event that never came.
SAFETY_POLL_SECONDS = 5.0
SLACK_SECONDS = 30.0
# Of a deployment that fails; its log has room for all of them beside what Docker says.
MAX_KEPT_CONTAINERS = 20
KEPT_LINES = 200
MAX_KEPT_BYTES = 64 * 1024
UP_SLACK_SECONDS = 300.0
# Below AXION_DEPLOY_DEADLINE as it comes, so that the deployment ends with what was late.
MAX_UP_SECONDS = 1500.0
# The engine's words for a container that goes, or went, while Compose was about to stop, start or remove it.
BEING_REMOVED = re.compile(r"marked for removal|removal of container \S+ is already in progress|No such container")


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
        # While Compose works, its own deadline counts.
        self._give_up_at = float("inf")
        # One wake-up waiting is enough, however many events came.
        self._wakes: queue.Queue[None] = queue.Queue(maxsize=1)

    def apply_plan(self, plan: Plan, *, observed: tuple[Container, ...]) -> tuple[Container, ...]:
        """Carry out the plan, which was made from `observed`; return what runs in the end.

        Raises StepFailedError or InterruptedWorkError.
        """
        self._check_stacks(plan)
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
                elif operation.kind in STARTING:
                    switch.pin_gateways(observed)
                    observed = self._up(operation)
            self._work.reporter.stage(HEALTH_CHECKING, progress.WATCHING, "Watching every service.")
            switch.pin_gateways(observed)
            self._give_up_at = self._deadline()
            observed = self._wait_until_passed()
            if plan.leaving:
                observed = self._switch_over(plan, switch, observed)
            switch.reset_gateways(observed)
            return observed
        finally:
            forget()
            watch.close()

    def _check_stacks(self, plan: Plan) -> None:
        """Raise StepFailedError, before anything is touched, for a stack that this machine does not allow."""
        # Also of earlier releases: the machine's owner may have changed the policy since.
        for name in sorted({operation.release for operation in plan.operations if operation.kind in STARTING}):
            check_stack(release=self._release(name), policy=self._work.policy)

    def _switch_over(self, plan: Plan, switch: GatewaySwitch, observed: tuple[Container, ...]) -> tuple[Container, ...]:
        """Lead requests to the new copies, now that all are proven, and only then end the old ones."""
        names = ", ".join(sorted(plan.services(RETIRE)))
        self._work.reporter.stage(HEALTH_CHECKING, progress.SWITCHING, f"The copies that stay take over: {names}.")
        switch.route_to_staying(observed)
        self._work.host.remove_containers(tuple(sorted(plan.leaving)))
        return self._wait_until_passed()

    def _up(self, operation: Operation) -> tuple[Container, ...]:
        """Run Compose in a thread of its own and watch; the operation's services are ready when this returns."""
        interrupt = Interrupt(parent=self._work.interrupt)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="compose") as pool:
            call = pool.submit(self._compose, operation, interrupt)
            call.add_done_callback(lambda _: self._wake())
            try:
                self._watch_compose(call)
            finally:
                interrupt.set(ABANDONED)
                interrupt.close()
        self._give_up_at = self._deadline()
        self._gate.start_judging(operation.services)
        observed = self._look()
        while not self._gate.ready(operation.services) and operation.alone:
            self._wait()
            observed = self._look()
        return observed

    def _compose(self, operation: Operation, interrupt: Interrupt) -> tuple[Ending, tuple[str, ...]]:
        work = self._work
        release = self._release(operation.release)
        values = work.vault.values(release=release, interrupt=interrupt)
        copies = self._copies(operation)
        services = [service for service in self._goal.target.services if service.name in operation.services]
        folder = work.releases.write_files(
            release=release,
            pinned=self._pinned(release, operation.services),
            volumes=provide_volumes(work=work, release=release, services=services, copies=copies),
            start_interval=self._start_interval,
        )
        order = arguments.Up(
            stack=release.stack,
            folder=folder,
            copies=copies,
            alone=operation.alone,
            beside=operation.kind == ADD,
        )
        return work.commands.up(order=order, values=values, deadline=self._up_seconds(), interrupt=interrupt)

    @cached_property
    def _start_interval(self) -> bool:
        """Whether Docker and Compose here look sooner at what starts. Not stored: either may be upgraded."""
        api = self._work.host.api_version()
        compose = (
            self._work.commands.compose_version(interrupt=self._work.interrupt) if api >= START_INTERVAL_API else ()
        )
        return understand_start_interval(api=api, compose=compose)

    def _up_seconds(self) -> float:
        """Return Compose's deadline: long enough for services that wait for each other, bounded by MAX_UP_SECONDS."""
        levels = len({service.level for service in self._goal.target.services})
        return min(MAX_UP_SECONDS, self._goal.deadline * levels + UP_SLACK_SECONDS)

    def _copies(self, operation: Operation) -> dict[str, int]:
        """Return the number of copies that Compose is to count, by service."""
        # What was to leave and is gone already counts no more, or Compose would start one too many.
        release = self._goal.release
        present = {
            container.id for container in self._work.host.containers(stack=release.stack, project_id=release.project_id)
        }
        gone = [self._gate.stale.get(container_id, "") for container_id in self._gate.leaving - present]
        return {name: count - gone.count(name) for name, count in operation.copies.items()}

    def _release(self, deployment_id: str) -> Release:
        if deployment_id == self._goal.release.deployment_id:
            return self._goal.release
        record = self._work.releases.find(deployment_id)
        if record is None:
            raise StepFailedError("internal", f"The files of deployment {deployment_id} are no longer on this host.")
        return record.release

    def _pinned(self, release: Release, services: Iterable[str]) -> dict[str, str]:
        """Return image id by service for those whose tag means another image by now."""
        pinned = {}
        for service in release.services:
            image = self._goal.target.images.get(service.name, "")
            if service.name in services and image and self._work.host.image_id(service.image) != image:
                pinned[service.name] = image
        return pinned

    def _watch_compose(self, call: Future[tuple[Ending, tuple[str, ...]]]) -> None:
        while not call.done():
            self._wait()
            self._look()
        ended, tail = call.result()
        if ended.code != 0:
            if any(map(BEING_REMOVED.search, tail)):
                message = f"Docker Compose met a container that was being removed: {_last_line(tail)}"
                raise RemovalInProgressError("apply", message, log_tail=tail)
            self._gate.start_judging(service.name for service in self._goal.target.services)
            culprit = self._gate.culprit(observed=self._look())
            if culprit is not None:
                raise self._failed(culprit)
            if (port := taken_port(tail)) is not None:
                raise self._port_taken(port, tail)
            trouble = f"was not done after {self._up_seconds():.0f} s" if ended.late else "could not start the stack"
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
        for service in target.services:
            description = describe(service=service, observed=staying, owner=target.owners[service.name])
            self._work.reporter.service(description)
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
        message = f"{failure.message} Its last lines are below; correct it and deploy again."
        return StepFailedError("unhealthy", message, service=failure.service, log_tail=tail)

    def _wait(self) -> None:
        """Wait for an event, or until time alone could change the verdict. Raises InterruptedWorkError."""
        pause = min(SAFETY_POLL_SECONDS, self._gate.next_look(at=self._work.clock()) + 0.01)
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
