"""The health gate: judges snapshots of a stack until every service has proven itself, or one has failed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.runner.planning.model import (
    CREATED,
    HEALTHY,
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
    _ran_since: dict[tuple[str, float, int], float] = field(default_factory=dict)
    _sound: dict[str, float] = field(default_factory=dict)

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

    def ready(self, services: Iterable[str]) -> bool:
        """Tell whether these run at the target and are healthy."""
        return all(name in self._sound for name in services)

    def passed(self, *, at: float) -> bool:
        """Tell whether all of them are, and have run for the window."""
        names = [service.name for service in self.target.services]
        return self.ready(names) and all(at - self._sound[name] >= self.window for name in names)

    def next_look(self, *, at: float) -> float:
        """Return the seconds until time alone could change the verdict."""
        ends = [since + self.window for since in self._sound.values()]
        ends += [since + self.deadline for since in self._unsound_since.values()]
        return max(0.0, min((end - at for end in ends if end > at), default=self.deadline))

    def _look_at(self, service: WantedService, observed: tuple[Container, ...], at: float) -> Failure | None:
        owner = self.target.owners[service.name]
        mine = [each for each in self._staying(service, observed) if each.deployment_id == owner]
        for each in mine:
            if each.state in ENDED:
                self._ends[each.id] = end_of(each)
            if each.state == RUNNING:
                self._ran_since.setdefault(_run_of(each), at)
            if message := self._trouble(service, each, at):
                return Failure(service=service.name, message=message, container_id=each.id)
        if len(mine) == service.replicas and all(self._is_sound(service, each) for each in mine):
            self._sound[service.name] = max((self._ran_since[_run_of(each)] for each in mine), default=at)
        else:
            self._sound.pop(service.name, None)
        return None

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
        image = self.target.images.get(service.name, "")
        healthy = container.health == HEALTHY or (container.health == "none" and not service.has_health_check)
        known = container.id not in self.stale
        return known and container.state == RUNNING and healthy and (not image or container.image_id == image)


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


def _run_of(container: Container) -> tuple[str, float, int]:
    """Return what tells this run of the container from one before a restart."""
    return container.id, container.started_at, container.restarts
