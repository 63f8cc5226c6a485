"""Watches which Swarm the engine is in, and its nodes where it is a manager, so that the control plane knows both."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import CLUSTERS_PROTOCOL
from agents.runner.docker.swarm import EngineSwarm

# No event tells that an engine joined, left, lost its quorum or has another leader.
LOOK_SECONDS = 3.0
SETTLE_SECONDS = 0.3
logger = logging.getLogger(__name__)


class SwarmWatch:
    """One thread of its own. While the engine does not answer nothing new is told."""

    def __init__(self, *, swarm: EngineSwarm, wake: Callable[[], None]) -> None:
        self._swarm = swarm
        self._wake = wake
        self._seen: pb.SwarmSeen | None = None
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="swarm", daemon=True)

    @property
    def seen(self) -> pb.SwarmSeen | None:
        """Return the swarm as it was last seen; None before the first look. Not to be changed."""
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
        watch = self._swarm.watch(wake=self._news.set)
        try:
            while not self._stopping.is_set():
                try:
                    self.look()
                except Exception as error:  # whatever it is, the next look comes
                    logger.debug("the swarm cannot be looked at: %s", error)
                self._news.wait(LOOK_SECONDS)
                self._stopping.wait(SETTLE_SECONDS)
                self._news.clear()
        finally:
            watch.close()

    def look(self) -> None:
        """Look once; wake whoever tells it when it is not as it was."""
        seen = self._swarm.look()
        if seen != self._seen:
            self._seen = seen
            self._wake()


class SwarmSender:
    """Tells one gateway after the other how the swarm is. All methods but `wake` belong to the event loop."""

    def __init__(self, *, watch: SwarmWatch) -> None:
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Tell again: something else is seen than before. Safe across threads."""
        self._loop.call_soon_threadsafe(self._news.set)

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Send how the swarm is until cancelled, in a session with a gateway that speaks this protocol."""
        told: pb.SwarmSeen | None = None
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            seen = self._watch.seen
            if seen is None or seen == told or protocol < CLUSTERS_PROTOCOL:
                continue
            told = seen
            message = pb.SwarmSeen()
            message.CopyFrom(seen)
            message.at_ms = time.time_ns() // 1_000_000
            await write(pb.FromAgent(swarm=message))
