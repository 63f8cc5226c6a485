"""Watches the volumes with our labels, so that the control plane knows which of them nothing uses any more."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import VOLUMES_PROTOCOL
from agents.runner.docker.our_volumes import OurVolumes

# Docker's events wake it; a look besides, for what no event tells.
SLOW_SECONDS = 30.0
SETTLE_SECONDS = 0.5
# Counting bytes is work for the host: seldom, and more seldom where Docker did not answer in time.
SIZES_EVERY_SECONDS = 15 * 60.0
SIZES_AGAIN_SECONDS = 60 * 60.0
logger = logging.getLogger(__name__)


class VolumeWatch:
    """One thread of its own. While the engine does not answer nothing new is told."""

    def __init__(
        self, *, volumes: OurVolumes, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._volumes = volumes
        self._wake = wake
        self._clock = clock
        self._sizes: dict[str, int] = {}
        self._sizes_due = 0.0
        self._counted: frozenset[str] = frozenset()
        self._seen: tuple[pb.VolumeSeen, ...] | None = None
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="volumes", daemon=True)

    @property
    def seen(self) -> tuple[pb.VolumeSeen, ...] | None:
        """Return the volumes as they were last seen; None before the first look."""
        return self._seen

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def look_soon(self) -> None:
        """Look again, now that something may have changed. Safe across threads."""
        self._news.set()

    def _watch(self) -> None:
        watch = self._volumes.watch(wake=self._news.set)
        try:
            while not self._stopping.is_set():
                try:
                    self.look()
                except Exception as error:  # whatever it is, the next look comes
                    logger.debug("the volumes cannot be looked at: %s", error)
                self._news.wait(SLOW_SECONDS)
                self._stopping.wait(SETTLE_SECONDS)
                self._news.clear()
        finally:
            watch.close()

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

    def _take(self, seen: tuple[pb.VolumeSeen, ...]) -> None:
        if seen != self._seen:
            self._seen = seen
            self._wake()


class VolumeSender:
    """Tells one gateway after the other which volumes there are. All methods but `wake` belong to the event loop."""

    def __init__(self, *, watch: VolumeWatch) -> None:
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Tell again: something else is seen than before. Safe across threads."""
        self._loop.call_soon_threadsafe(self._news.set)

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Send the volumes until cancelled, in a session with a gateway that speaks this protocol."""
        told: tuple[pb.VolumeSeen, ...] | None = None
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            seen = self._watch.seen
            if seen is None or seen == told or protocol < VOLUMES_PROTOCOL:
                continue
            told = seen
            volumes = pb.VolumesSeen(volumes=seen, at_ms=time.time_ns() // 1_000_000)
            await write(pb.FromAgent(volumes=volumes))
