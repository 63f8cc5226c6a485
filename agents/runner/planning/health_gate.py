"""The health gate: judges snapshots of a stack until every service has proven itself, or one has failed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.runner.planning.model import (
    CREATED,
    HEALTHY,
    NOT_YET_HEALTHY,
    RUNNING,
    UNHEALTHY,
    Container,
    Target,
    WantedService,
    containers_of,
)

RESTARTS_ALLOWED = 2
DEAD = frozenset({"exited", "dead"})
# 128 and the number of SIGKILL.
KILLED = 137
MEBIBYTE = 1024**2
ENDED = DEAD | {"restarting"}
# A container, when this run of it began, and how often Docker had restarted it by then.
Run = tuple[str, float, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A service that will not come up, in words, with the container to ask for its last lines."""

    service: str
    message: str
    container_id: str


@dataclass(slots=True, kw_only=True)
class HealthGate:
    """Remembers since when containers run and are not sound. `at` is any clock that only rises, in seconds.

    The window counts from the start of a container's present run: one that took longer to become healthy has lived
    through it by then.

    A service among `hasty` fails as soon as it is unhealthy; the others may recover until the deadline, for they ran
    before and only missed what was being replaced beside them. `stale` are containers (id to service) that were there
    before and that Compose may stop, start or replace: they count neither way until their service's turn is over.
    Containers that are `leaving` never count.

    A service is ready for what needs it when its containers are sound or have answered us (`note_answer`). What proves
    a service is Docker's own word alone.
    """

    target: Target
    deadline: float
    window: float
    hasty: frozenset[str]
    leaving: frozenset[str] = frozenset()
    stale: dict[str, str] = field(default_factory=dict)
    _unsound_since: dict[str, float] = field(default_factory=dict)
    _restarts: dict[str, int] = field(default_factory=dict)
    _ends: dict[str, str] = field(default_factory=dict)
    _ran_since: dict[Run, float] = field(default_factory=dict)
    _sound: dict[str, float] = field(default_factory=dict)
    _answered: set[Run] = field(default_factory=set)
    _ready: set[str] = field(default_factory=set)

    def look(self, *, observed: tuple[Container, ...], at: float) -> Failure | None:
        """Take in a snapshot; the first service, in start order, that failed."""
        failures = [self._look_at(service, observed, at) for service in self.target.services]
        return next((failure for failure in failures if failure), None)

    def start_judging(self, services: Iterable[str]) -> None:
        """Judge these as they are from now on: Compose is done with them."""
        over = frozenset(services)
        self.stale = {each: service for each, service in self.stale.items() if service not in over}

    def culprit(self, *, observed: tuple[Container, ...]) -> Failure | None:
        """Return the first service, in start order, that is not well, however slightly, after Compose gave up."""
        for service in sorted(self.target.services, key=lambda each: each.level):
            for each in self._staying(service, observed):
                if each.state in ENDED or each.restarts:
                    message = f"{service.name} does not stay up: it {self._how_it_ended(each)}."
                elif each.health == UNHEALTHY:
                    message = f"{service.name} runs, but its health check fails."
                else:
                    continue
                return Failure(service=service.name, message=message, container_id=each.id)
        return None

    def note_answer(self, run: Run) -> None:
        """Remember that the health command succeeded when we ran it in this run of a container."""
        self._answered.add(run)

    def ready(self, services: Iterable[str]) -> bool:
        """Tell whether these run at the target, and are healthy or have answered: what needs them may start."""
        return all(name in self._ready for name in services)

    def unanswered(self, services: Iterable[str], *, observed: tuple[Container, ...]) -> tuple[Container, ...]:
        """Return the containers of these that run at the target and of which nobody knows yet whether they answer."""
        wanted = [service for service in self.target.services if service.name in services]
        return tuple(
            each
            for service in wanted
            for each in self._mine(service, observed)
            if self._is_undecided(service, each) and run_of(each) not in self._answered
        )

    def passed(self, *, at: float) -> bool:
        """Tell whether Docker calls all of them healthy, and they have run for the window."""
        return all(
            service.name in self._sound and at - self._sound[service.name] >= self.window
            for service in self.target.services
        )

    def next_look(self, *, at: float) -> float:
        """Return the seconds until time alone could change the verdict."""
        ends = [since + self.window for since in self._sound.values()]
        ends += [since + self.deadline for since in self._unsound_since.values()]
        return max(0.0, min((end - at for end in ends if end > at), default=self.deadline))

    def _look_at(self, service: WantedService, observed: tuple[Container, ...], at: float) -> Failure | None:
        mine = self._mine(service, observed)
        self._ready.discard(service.name)
        for each in mine:
            if each.state in ENDED:
                self._ends[each.id] = end_of(each)
            if each.state == RUNNING:
                self._ran_since.setdefault(run_of(each), at)
            if message := self._trouble(service, each, at):
                return Failure(service=service.name, message=message, container_id=each.id)
        complete = len(mine) == service.replicas
        if complete and all(self._is_sound(service, each) for each in mine):
            self._sound[service.name] = max((self._ran_since[run_of(each)] for each in mine), default=at)
        else:
            self._sound.pop(service.name, None)
        if complete and all(self._is_sound(service, each) or self._has_answered(service, each) for each in mine):
            self._ready.add(service.name)
        return None

    def _mine(self, service: WantedService, observed: tuple[Container, ...]) -> list[Container]:
        owner = self.target.owners[service.name]
        return [each for each in self._staying(service, observed) if each.deployment_id == owner]

    def _staying(self, service: WantedService, observed: tuple[Container, ...]) -> list[Container]:
        return [each for each in containers_of(observed, service.name) if each.id not in self.leaving]

    def _how_it_ended(self, container: Container) -> str:
        """Return the last end that was seen: Docker forgets it when it starts the container again."""
        return end_of(container) if container.state != RUNNING else self._ends.get(container.id, "ended")

    def _trouble(self, service: WantedService, container: Container, at: float) -> str:
        if container.id in self.stale:
            return ""
        if container.state in DEAD:
            return f"{service.name} {end_of(container)}."
        if container.restarts - self._restarts.setdefault(container.id, container.restarts) >= RESTARTS_ALLOWED:
            how = self._how_it_ended(container)
            return f"{service.name} does not stay up: it {how} and is restarted again and again."
        # Docker calls a container that just exited unhealthy as well; whether it stays up is judged by its restarts.
        if container.health == UNHEALTHY and container.state == RUNNING and service.name in self.hasty:
            return f"{service.name} runs, but its health check fails."
        if container.state == CREATED:
            return ""
        if self._is_sound(service, container):
            self._unsound_since.pop(container.id, None)
        elif at - self._unsound_since.setdefault(container.id, at) >= self.deadline:
            return f"{service.name} did not become healthy within {self.deadline:.0f} s."
        return ""

    def _is_sound(self, service: WantedService, container: Container) -> bool:
        healthy = container.health == HEALTHY or (container.health == "none" and not service.has_health_check)
        return healthy and self._runs_at_target(service, container)

    def _has_answered(self, service: WantedService, container: Container) -> bool:
        return self._is_undecided(service, container) and run_of(container) in self._answered

    def _is_undecided(self, service: WantedService, container: Container) -> bool:
        return container.health == NOT_YET_HEALTHY and self._runs_at_target(service, container)

    def _runs_at_target(self, service: WantedService, container: Container) -> bool:
        image = self.target.images.get(service.name, "")
        right = not image or container.image_id == image
        return right and container.state == RUNNING and container.id not in self.stale


def end_of(container: Container) -> str:
    """Return how a container that does not run ended, for people."""
    code = f"exited with code {container.exit_code}"
    if container.oom_killed:
        limit = (
            f"limit {container.memory_limit / MEBIBYTE:.0f} MiB" if container.memory_limit else "no limit of its own"
        )
        return f"ran out of memory ({limit}) and {code}"
    if container.exit_code == KILLED:
        return f"{code}: it was killed, by somebody or for want of memory"
    return code


def run_of(container: Container) -> Run:
    """Return what tells this run of the container from one before a restart."""
    return container.id, container.started_at, container.restarts
