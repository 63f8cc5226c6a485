"""Have Docker Compose start services of a stack, by the files of the release that each is of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from agents.runner.commands.context import Work
from agents.runner.commands.image_volumes import provide_volumes
from agents.runner.docker import arguments
from agents.runner.docker.processes import Ending
from agents.runner.docker.versions import START_INTERVAL_API, understand_start_interval
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import Interrupt
from agents.runner.planning.health_gate import HealthGate
from agents.runner.planning.model import Release, Target
from agents.runner.planning.plan import Plan
from agents.runner.planning.steps import ADD, STARTING, Operation
from agents.runner.policy.stack_check import check_stack

UP_SLACK_SECONDS = 300.0
# Below AXION_DEPLOY_DEADLINE as it comes, so that the deployment ends with what was late.
MAX_UP_SECONDS = 1500.0


class ComposeCalls:
    """Calls Compose for one release and its target. `deadline` in seconds; `gate` knows what leaves."""

    def __init__(self, *, work: Work, release: Release, target: Target, deadline: float, gate: HealthGate) -> None:
        self._work = work
        self._own = release
        self._target = target
        self._deadline = deadline
        self._gate = gate

    def check_stacks(self, plan: Plan) -> None:
        """Raise StepFailedError, before anything is touched, for a stack that this machine does not allow."""
        # Also of earlier releases: the machine's owner may have changed the policy since.
        for name in sorted({operation.release for operation in plan.operations if operation.kind in STARTING}):
            check_stack(release=self._release(name), policy=self._work.policy)

    def start(self, operation: Operation, interrupt: Interrupt) -> tuple[Ending, tuple[str, ...]]:
        """Carry out an operation; return how Compose ended and its last lines.

        Never two at a time: they share the release's files, and Docker lets two of them make one network twice.
        """
        work = self._work
        release = self._release(operation.release)
        values = work.vault.values(release=release, interrupt=interrupt)
        copies = self._copies(operation)
        services = [service for service in self._target.services if service.name in operation.services]
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
        return work.commands.up(order=order, values=values, deadline=self.seconds, interrupt=interrupt)

    @property
    def seconds(self) -> float:
        """Return Compose's deadline: long enough for services that wait for each other, bounded by MAX_UP_SECONDS."""
        levels = len({service.level for service in self._target.services})
        return min(MAX_UP_SECONDS, self._deadline * levels + UP_SLACK_SECONDS)

    @cached_property
    def _start_interval(self) -> bool:
        """Whether Docker and Compose here look sooner at what starts. Not stored: either may be upgraded."""
        api = self._work.host.api_version()
        compose = (
            self._work.commands.compose_version(interrupt=self._work.interrupt) if api >= START_INTERVAL_API else ()
        )
        return understand_start_interval(api=api, compose=compose)

    def _copies(self, operation: Operation) -> dict[str, int]:
        """Return the number of copies that Compose is to count, by service."""
        # What was to leave and is gone already counts no more, or Compose would start one too many.
        present = {
            container.id
            for container in self._work.host.containers(stack=self._own.stack, project_id=self._own.project_id)
        }
        gone = [self._gate.stale.get(container_id, "") for container_id in self._gate.leaving - present]
        return {name: count - gone.count(name) for name, count in operation.copies.items()}

    def _release(self, deployment_id: str) -> Release:
        if deployment_id == self._own.deployment_id:
            return self._own
        record = self._work.releases.find(deployment_id)
        if record is None:
            raise StepFailedError("internal", f"The files of deployment {deployment_id} are no longer on this host.")
        return record.release

    def _pinned(self, release: Release, services: Iterable[str]) -> dict[str, str]:
        """Return image id by service for those whose tag means another image by now."""
        pinned = {}
        for service in release.services:
            image = self._target.images.get(service.name, "")
            if service.name in services and image and self._work.host.image_id(service.image) != image:
                pinned[service.name] = image
        return pinned
