"""The volumes of this host's Docker engine: found, made, and deleted where a person asked for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from docker.errors import APIError, NotFound

from agents.runner.docker.our_volumes import users_by_volume
from agents.runner.errors import StepFailedError
from agents.runner.planning.model import COMPOSE_PROJECT

CONFLICT = 409
Result = TypeVar("Result")


class HostVolumes(ABC):
    """A part of DockerHost, which knows how long to wait for an engine that is away."""

    @abstractmethod
    def _ask(self, call: Callable[[Any], Result]) -> Result: ...

    @abstractmethod
    def _order(self, call: Callable[[Any], Result]) -> Result: ...

    def volumes(self, stack: str) -> tuple[str, ...]:
        """Return the names of the stack's volumes."""
        found = self._ask(lambda api: api.volumes(filters={"label": f"{COMPOSE_PROJECT}={stack}"}))
        return tuple(each["Name"] for each in found["Volumes"] or ())

    def make_volume(self, *, name: str, labels: Mapping[str, str]) -> None:
        """Have a volume of this name; one that is there is left as it is."""
        self._order(lambda api: api.create_volume(name=name, labels=dict(labels)))

    def volume_labels(self, name: str) -> dict[str, str] | None:
        """Return the labels of a volume; None when there is none of this name."""
        try:
            return dict(self._ask(lambda api: api.inspect_volume(name)).get("Labels") or {})
        except NotFound:
            return None

    def volume_users(self, name: str) -> tuple[str, ...]:
        """Return the names of all containers of the host that have the volume, stopped ones too."""
        listed = self._ask(lambda api: api.containers(all=True, filters={"volume": name}))
        return tuple(users_by_volume(listed).get(name, ()))

    def remove_volume(self, name: str) -> None:
        """Delete a volume with its data; one that is gone does not matter. Raises StepFailedError for one in use."""
        try:
            self._order(lambda api: api.remove_volume(name))
        except NotFound:
            return
        except APIError as error:
            reason = "in_use" if error.status_code == CONFLICT else "internal"
            raise StepFailedError(reason, f"Docker did not delete {name}: {error.explanation}") from error
