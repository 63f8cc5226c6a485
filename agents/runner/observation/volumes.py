"""Watches the volumes with our labels, so that the control plane knows which of them nothing uses any more."""

from __future__ import annotations

import time
from collections.abc import Callable

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import VOLUMES_PROTOCOL
from agents.runner.docker.events import Watch
from agents.runner.docker.our_volumes import OurVolumes
from agents.runner.observation.watching import Teller, Watcher

# Counting bytes is work for the host: seldom, and more seldom where Docker did not answer in time.
SIZES_EVERY_SECONDS = 15 * 60.0
SIZES_AGAIN_SECONDS = 60 * 60.0
Volumes = tuple[pb.VolumeSeen, ...]
VolumeSender = Teller[Volumes]


class VolumeWatch(Watcher[Volumes]):
    """Of one engine."""

    name = "volumes"
    # Docker's events wake it; a look besides, for what no event tells.
    look_seconds = 30.0
    settle_seconds = 0.5

    def __init__(
        self, *, volumes: OurVolumes, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(wake=wake)
        self._volumes = volumes
        self._clock = clock
        self._sizes: dict[str, int] = {}
        self._sizes_due = 0.0
        self._counted: frozenset[str] = frozenset()

    def _events(self, wake: Callable[[], None]) -> Watch:
        return self._volumes.watch(wake=wake)

    def look(self) -> None:
        """Look once, and count sizes where that is due, after the volumes themselves were told."""
        self._take(self._volumes.list(sizes=self._sizes))
        names = frozenset(each.name for each in self._seen or ())
        if not names or (names <= self._counted and self._clock() < self._sizes_due):
            return
        sizes = self._volumes.sizes()
        self._sizes_due = self._clock() + (SIZES_AGAIN_SECONDS if sizes is None else SIZES_EVERY_SECONDS)
        self._counted = names
        if sizes is not None:
            self._sizes = {name: size for name, size in sizes.items() if name in names}
            self._take(self._volumes.list(sizes=self._sizes))


def volume_sender(watch: VolumeWatch) -> VolumeSender:
    """Return what tells them. Inside the running loop."""
    return Teller(watcher=watch, protocol=VOLUMES_PROTOCOL, message=_message)


def _message(seen: Volumes) -> pb.FromAgent:
    return pb.FromAgent(volumes=pb.VolumesSeen(volumes=seen, at_ms=time.time_ns() // 1_000_000))
