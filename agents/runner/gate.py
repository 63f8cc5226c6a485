"""The health gate: judges snapshots of a stack until every service has proven itself, or one has failed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.runner.model import HEALTHY, RUNNING, UNHEALTHY, Container, Target, WantedService, containers_of

RESTARTS_ALLOWED = 2
DEAD = frozenset({"exited", "dead"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A service that will not come up, in words, with the container to ask for its last lines."""

    service: str
    message: str
    container_id: str


@dataclass(slots=True, kw_only=True)
class HealthGate:
    """Remembers since when containers run and services are sound. `at` is any clock that only rises, in seconds."""

    target: Target
    deadline: float
    window: float
    _running_since: dict[str, float] = field(default_factory=dict)
    _restarts: dict[str, int] = field(default_factory=dict)
    _sound_since: dict[str, float] = field(default_factory=dict)

    def look(self, *, observed: tuple[Container, ...], at: float) -> Failure | None:
        """Take in a snapshot; the first service, in start order, that failed."""
        failures = [self._look_at(service, observed, at) for service in self.target.services]
        return next((failure for failure in failures if failure), None)

    def culprit(self, *, observed: tuple[Container, ...]) -> Failure | None:
        """After Compose gave up: the first service, in start order, that is not well, however slightly."""
        for service in sorted(self.target.services, key=lambda each: each.level):
            for each in containers_of(observed, service.name):
                if each.state in DEAD or each.state == "restarting" or each.restarts or each.health == UNHEALTHY:
                    message = f"{service.name} does not stay up: it exited with code {each.exit_code}."
                    return Failure(service=service.name, message=message, container_id=each.id)
        return None

    def ready(self, services: Iterable[str]) -> bool:
        """Whether these run at the target and are healthy."""
        return all(name in self._sound_since for name in services)

    def passed(self, *, at: float) -> bool:
        """Whether all of them are, and have been for the window."""
        names = [service.name for service in self.target.services]
        return self.ready(names) and all(at - self._sound_since[name] >= self.window for name in names)

    def next_look(self, *, at: float) -> float:
        """Seconds until time alone could change the verdict."""
        ends = [since + self.window for since in self._sound_since.values()]
        ends += [since + self.deadline for since in self._running_since.values()]
        return max(0.0, min((end - at for end in ends if end > at), default=self.deadline))

    def _look_at(self, service: WantedService, observed: tuple[Container, ...], at: float) -> Failure | None:
        owner = self.target.owners[service.name]
        mine = [each for each in containers_of(observed, service.name) if each.deployment_id == owner]
        for each in mine:
            if message := self._trouble(service, each, at):
                return Failure(service=service.name, message=message, container_id=each.id)
        if len(mine) == service.replicas and all(self._sound(service, each) for each in mine):
            self._sound_since.setdefault(service.name, at)
        else:
            self._sound_since.pop(service.name, None)
        return None

    def _trouble(self, service: WantedService, container: Container, at: float) -> str:
        if container.state in DEAD:
            return f"{service.name} exited with code {container.exit_code}."
        if container.restarts - self._restarts.setdefault(container.id, container.restarts) >= RESTARTS_ALLOWED:
            return f"{service.name} starts, exits with code {container.exit_code} and is restarted again and again."
        # Docker calls a container that just exited unhealthy as well; whether it stays up is judged by its restarts.
        if container.health == UNHEALTHY and container.state == RUNNING:
            return f"{service.name} runs, but its health check fails."
        if container.state == "created":
            return ""
        since = self._running_since.setdefault(container.id, at)
        if not self._sound(service, container) and at - since >= self.deadline:
            return f"{service.name} did not become healthy within {self.deadline:.0f} s."
        return ""

    def _sound(self, service: WantedService, container: Container) -> bool:
        image = self.target.images.get(service.name, "")
        healthy = container.health == HEALTHY or (container.health == "none" and not service.has_health_check)
        return container.state == RUNNING and healthy and (not image or container.image_id == image)
