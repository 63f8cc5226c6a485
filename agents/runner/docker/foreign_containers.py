"""Containers of this host that are not ours: described for who may take them over, stopped, and started again.

What is described holds the values of their variables: it is handed to the control plane and written down nowhere.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from docker.errors import APIError, NotFound

from agents.runner.errors import StepFailedError
from agents.runner.planning.model import LABEL_PROJECT, RUNNING

NO_RESTART = {"Name": "no"}
SHORT_ID = 12
Result = TypeVar("Result")


class ForeignContainers(ABC):
    """A part of DockerHost, which knows how long to wait for an engine that is away."""

    @abstractmethod
    def _ask(self, call: Callable[[Any], Result]) -> Result: ...

    @abstractmethod
    def _order(self, call: Callable[[Any], Result]) -> Result: ...

    def foreign_ids(self) -> tuple[str, ...]:
        """Return the ids of running containers that carry none of our labels, but for the agent's own, the oldest
        first."""
        listed = self._ask(lambda api: api.containers(filters={"status": RUNNING}))
        own = os.uname().nodename
        found = [each for each in listed if LABEL_PROJECT not in (each["Labels"] or {})]
        return tuple(
            each["Id"]
            for each in sorted(found, key=lambda each: (each["Created"], each["Id"]))
            if each["Id"][:SHORT_ID] != own
        )

    def describe_foreign(self, container_id: str) -> dict[str, Any] | None:
        """Return how a container is set up, in Docker's words and with its values; None when it is gone. Secret."""
        try:
            found = self._ask(lambda api: api.inspect_container(container_id))
        except NotFound:
            return None
        try:
            image = self._ask(lambda api: api.inspect_image(found["Image"]))
        except NotFound:
            image = {}
        return {
            "id": found["Id"],
            "name": found["Name"].lstrip("/"),
            "image_id": found["Image"],
            "config": _said(found["Config"]),
            "host": _said(found["HostConfig"]),
            "image": _said(image.get("Config") or {}),
            "tags": list(image.get("RepoTags") or ()),
            "digests": list(image.get("RepoDigests") or ()),
            "mounts": [
                {key: each.get(key) for key in ("Type", "Name", "Source", "Destination", "RW")}
                for each in found.get("Mounts") or ()
            ],
            "networks": {
                name: {key: joined.get(key) for key in ("Aliases", "IPAMConfig") if joined.get(key)}
                for name, joined in (found["NetworkSettings"].get("Networks") or {}).items()
            },
        }

    def foreign_state(self, container_id: str) -> dict[str, Any] | None:
        """Return whether a container runs, how healthy it is and whether it starts by itself; None when it is gone.

        `name`, `runs`, `health`, `restart` (Docker's policy), `ours`, `vanishes` (once it is stopped).
        """
        try:
            found = self._ask(lambda api: api.inspect_container(container_id))
        except NotFound:
            return None
        state = found["State"]
        return {
            "name": found["Name"].lstrip("/"),
            "runs": bool(state["Running"]),
            "health": (state.get("Health") or {}).get("Status", "none"),
            "restart": dict(found["HostConfig"].get("RestartPolicy") or NO_RESTART),
            "ours": LABEL_PROJECT in (found["Config"]["Labels"] or {}),
            "vanishes": bool(found["HostConfig"].get("AutoRemove")),
        }

    def rest_foreign(self, container_id: str) -> None:
        """Stop a container with the grace that it was given, so that nothing starts it but us or a person.

        Raises StepFailedError when Docker does not stop it.
        """
        try:
            self._order(lambda api: api.update_container(container_id, restart_policy=NO_RESTART))
            self._order(lambda api: api.stop(container_id))
        except APIError as error:
            raise StepFailedError(
                "apply", f"Docker did not stop {container_id[:SHORT_ID]}: {error.explanation}"
            ) from error

    def wake_foreign(self, container_id: str, *, restart: Mapping[str, Any]) -> None:
        """Start a container and have it start by itself as it did before. Raises StepFailedError."""
        try:
            self._order(lambda api: api.update_container(container_id, restart_policy=dict(restart)))
            self._order(lambda api: api.start(container_id))
        except (APIError, NotFound) as error:
            raise StepFailedError(
                "apply", f"Docker did not start {container_id[:SHORT_ID]}: {error.explanation}"
            ) from error

    def running_users(self, volume: str, *, but: str) -> dict[str, str]:
        """Return id and name of the running containers that have the volume, but for those of this project of ours."""
        filters = {"volume": volume, "status": RUNNING}
        return {
            each["Id"]: next(iter(each.get("Names") or ()), each["Id"][:SHORT_ID]).lstrip("/")
            for each in self._ask(lambda api: api.containers(filters=filters))
            if (each["Labels"] or {}).get(LABEL_PROJECT) != but
        }


def _said(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that say something."""
    return {key: value for key, value in settings.items() if value not in (None, "", [], {}, 0, False)}
