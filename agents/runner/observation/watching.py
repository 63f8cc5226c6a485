"""What is looked at beside the work, and told as a whole whenever it is not as it was."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.events import Watch

Seen = TypeVar("Seen")
Dated = TypeVar("Dated", pb.SwarmSeen, pb.TasksSeen)
logger = logging.getLogger(__name__)


class Watcher(ABC, Generic[Seen]):
    """One thread of its own. While the engine does not answer nothing new is told.

    Subclasses say how they look, which events of Docker wake them, and after how many seconds they look all the same.
    """

    name: ClassVar[str]
    look_seconds: ClassVar[float]
    # After an event, so that those that belong together are seen together.
    settle_seconds: ClassVar[float]

    def __init__(self, *, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._seen: Seen | None = None
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)

    @property
    def seen(self) -> Seen | None:
        """Return what was seen last; None before the first look. Not to be changed."""
        return self._seen

    @abstractmethod
    def look(self) -> None:
        """Look once, and `_take` what is seen."""

    @abstractmethod
    def _events(self, wake: Callable[[], None]) -> Watch:
        """Return the events that wake it, until closed."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def look_soon(self) -> None:
        """Look again, now that something may have changed. Safe across threads."""
        self._news.set()

    def _work(self) -> None:
        events = self._events(self._news.set)
        try:
            while not self._stopping.is_set():
                try:
                    self.look()
                except Exception as error:  # whatever it is, the next look comes
                    logger.debug("the %s cannot be looked at: %s", self.name, error)
                self._news.wait(self.look_seconds)
                self._stopping.wait(self.settle_seconds)
                self._news.clear()
        finally:
            events.close()

    def _take(self, seen: Seen) -> None:
        """Keep what is seen; wake whoever tells it when it is not as it was."""
        if seen != self._seen:
            self._seen = seen
            self._wake()


def dated(seen: Dated) -> Dated:
    """Return a copy of what was seen that says that it is told now, in milliseconds."""
    told = type(seen)()
    told.CopyFrom(seen)
    told.at_ms = time.time_ns() // 1_000_000
    return told


class Teller(Generic[Seen]):
    """Tells one gateway after the other what a watcher sees. All methods but `wake` belong to the event loop."""

    def __init__(self, *, watcher: Watcher[Seen], protocol: int, message: Callable[[Seen], pb.FromAgent]) -> None:
        """Tell only gateways that speak `protocol` or a later one."""
        self._watcher = watcher
        self._protocol = protocol
        self._message = message
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Tell again: something else is seen than before. Safe across threads."""
        self._loop.call_soon_threadsafe(self._news.set)

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Send what is seen until cancelled, in a session with a gateway that speaks this protocol."""
        told: Seen | None = None
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            seen = self._watcher.seen
            if seen is None or seen == told or protocol < self._protocol:
                continue
            told = seen
            await write(self._message(seen))
