"""The containers with our labels, whatever stack they belong to: for whoever watches them between commands."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from docker.errors import APIError, NotFound

from agents.runner.docker.engine import QUESTION_SECONDS, Engine
from agents.runner.docker.events import Watch
from agents.runner.docker.host import EVENTS
from agents.runner.planning.model import LABEL_JOB, LABEL_PROJECT

# What happens to a container besides while nobody deploys it.
SEEN_EVENTS = ["kill", "pause", "unpause", "update"]
NETWORK_EVENTS = ["connect", "disconnect"]


class OurContainers:
    """Reads only. Waits for nobody: every question ends within seconds, or raises EngineAwayError."""

    def __init__(self, *, engine: Engine) -> None:
        self._engine = engine

    def watch(self, *, wake: Callable[[], None], heard: Callable[[Mapping[str, Any]], None]) -> contextlib.ExitStack:
        """Call `heard` and `wake` on every event of these containers, until closed.

        Also when any container of the host leaves or joins a network: such events carry no label.
        """
        watches = contextlib.ExitStack()
        of_networks = {"type": "network", "event": NETWORK_EVENTS}
        for filters in ({"type": "container", "label": LABEL_PROJECT, "event": [*EVENTS, *SEEN_EVENTS]}, of_networks):
            watch = Watch(engine=self._engine, filters=filters, wake=wake, heard=heard)
            watches.callback(watch.close)
        return watches

    def list(self) -> list[Mapping[str, Any]]:
        """Return all of them, stopped ones too, as Docker lists them; not those of jobs, which are to end."""
        found: list[Mapping[str, Any]] = self._engine.attempt(
            lambda api: api.containers(all=True, filters={"label": LABEL_PROJECT}), seconds=QUESTION_SECONDS
        )
        return [each for each in found if LABEL_JOB not in (each.get("Labels") or {})]

    def running(self) -> builtins.list[Mapping[str, Any]]:
        """Return those that run, as Docker lists them, jobs too. Raises EngineAwayError."""
        found: builtins.list[Mapping[str, Any]] = self._engine.attempt(
            lambda api: api.containers(filters={"label": LABEL_PROJECT}), seconds=QUESTION_SECONDS
        )
        return found

    def used(self, container_id: str) -> Mapping[str, Any] | None:
        """Return what the container used until now, by one reading; None when it is gone. Raises EngineAwayError."""
        try:
            found: Mapping[str, Any] = self._engine.attempt(
                lambda api: api.stats(container_id, stream=False, one_shot=True), seconds=QUESTION_SECONDS
            )
        except APIError:
            return None
        return found

    def inspect(self, container_id: str) -> Mapping[str, Any] | None:
        """Return what Docker says of a container; None when it is gone."""
        try:
            found: Mapping[str, Any] = self._engine.attempt(
                lambda api: api.inspect_container(container_id), seconds=QUESTION_SECONDS
            )
        except NotFound:
            return None
        return found
