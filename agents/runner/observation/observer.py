"""Watches the containers with our labels between commands, too, so that the control plane knows what runs now."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.our_containers import OurContainers
from agents.runner.observation.damping import Damping
from agents.runner.observation.describe import describe

# Docker's events wake it; a full look besides, for what no event tells.
SLOW_SECONDS = 30.0
# After an event, so that those that belong together are seen together.
SETTLE_SECONDS = 0.15
# Between two looks that have to agree.
AGAIN_SECONDS = 0.4
# More than any honest host has; those beyond are not told.
MAX_CONTAINERS = 2000
logger = logging.getLogger(__name__)


class Observer:
    """One thread of its own, so that neither commands nor heartbeats wait for it.

    While the engine does not answer nothing new is told: the condition of the agent says that.
    """

    def __init__(self, *, containers: OurContainers, key: bytes, wake: Callable[[], None]) -> None:
        self._containers = containers
        self._key = key
        self._wake = wake
        self._damping = Damping()
        self._inspected: dict[str, tuple[tuple[str, ...], pb.ContainerSeen]] = {}
        self._stirred: set[str] = set()
        self._memory_kills: dict[str, int] = {}
        self._turn = threading.Lock()
        self._events = threading.Event()
        self._stopping = threading.Event()
        self._seen: Mapping[str, pb.ContainerSeen] | None = None
        self._thread = threading.Thread(target=self._watch, name="observer", daemon=True)

    @property
    def seen(self) -> Mapping[str, pb.ContainerSeen] | None:
        """Return by id what runs, as it lasted; None before the first look. Never changed in place."""
        return self._seen

    def describe(self, container_id: str) -> pb.ContainerSeen | None:
        """Look at one container now; None when it is gone. Raises EngineAwayError. Safe across threads."""
        inspected = self._containers.inspect(container_id)
        return None if inspected is None else self._described(inspected)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._events.set()

    def _watch(self) -> None:
        again, whole = False, True
        with self._containers.watch(wake=self._events.set, heard=self._note):
            while not self._stopping.is_set():
                try:
                    again = self._look(whole=whole)
                    whole = False
                except Exception as error:  # whatever it is, the next look comes
                    logger.debug("the containers cannot be looked at: %s", error)
                    again = whole = True
                whole |= self._wait(AGAIN_SECONDS if again else SLOW_SECONDS)

    def _wait(self, seconds: float) -> bool:
        """Wait for an event, and a moment longer for those that come with it; whether none came in time."""
        if not self._events.wait(seconds):
            return seconds == SLOW_SECONDS
        self._stopping.wait(SETTLE_SECONDS)
        self._events.clear()
        return False

    def _note(self, event: Mapping[str, Any]) -> None:
        """Note the container that an event names: what a list shows of it may be the same as before."""
        actor = event.get("Actor", {})
        named = actor.get("Attributes", {}).get("container") if event.get("Type") == "network" else event.get("id")
        with self._turn:
            self._stirred.add(str(named or actor.get("ID", "")))
            if event.get("Action") == "oom":
                self._memory_kills[str(actor.get("ID", ""))] = int(event.get("timeNano", 0)) // 1_000_000

    def _described(self, inspected: Mapping[str, Any]) -> pb.ContainerSeen:
        return describe(inspected, key=self._key, memory_kill_ms=self._memory_kills.get(inspected["Id"], 0))

    def _look(self, *, whole: bool) -> bool:
        """Look once; whether another look is needed soon. `whole`: also at containers that seem to be as they were."""
        with self._turn:
            stirred, self._stirred = self._stirred, set()
            for container_id in self._memory_kills.keys() - self._inspected.keys() - stirred:
                del self._memory_kills[container_id]
        listed = {entry["Id"]: _outline(entry) for entry in self._containers.list()[:MAX_CONTAINERS]}
        known = {key: held for key, held in self._inspected.items() if key in listed}
        for container_id, outline in listed.items():
            held = known.get(container_id)
            if whole or held is None or held[0] != outline or container_id in stirred:
                inspected = self._containers.inspect(container_id)
                if inspected is None:
                    known.pop(container_id, None)
                else:
                    known[container_id] = (outline, self._described(inspected))
        self._inspected = known
        again = self._damping.take({key: container for key, (_, container) in known.items()})
        told = dict(self._damping.told or {})
        if told != self._seen:
            self._seen = told
            self._wake()
        return again


def _outline(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a list says of a container, without how long it has been so."""
    words = entry.get("Status", "")
    return entry.get("State", ""), words[words.find("(") :] if "(" in words else "", *(entry.get("Names") or ())
