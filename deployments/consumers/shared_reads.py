"""Reads that many sockets of a process need at the same time, done once for all of them."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

MAX_READS = 4096
# After that nobody asks with the same key any more.
KEPT_SECONDS = 10.0

T = TypeVar("T")


class SharedReads:
    """The newest reads by key, of one event loop. A key names the moment, too: a message, or a slot of time."""

    def __init__(self) -> None:
        self._reads: OrderedDict[Hashable, tuple[float, asyncio.Task[Any]]] = OrderedDict()

    async def get(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return what the first one who asked with this key reads. What its read raises is raised here, too."""
        now = time.monotonic()
        began, task = self._reads.get(key, (0.0, None))
        if task is None or now - began > KEPT_SECONDS:
            self._drop_old(now)
            task = asyncio.ensure_future(read())
            self._reads[key] = (now, task)
            task.add_done_callback(lambda done: self._drop_failed(key, done))
        # Who goes away ends no read that others wait for.
        result: T = await asyncio.shield(task)
        return result

    def _drop_old(self, now: float) -> None:
        while self._reads:
            key, (began, _) = next(iter(self._reads.items()))
            if now - began <= KEPT_SECONDS and len(self._reads) < MAX_READS:
                return
            del self._reads[key]

    def _drop_failed(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed and self._reads.get(key, (0.0, None))[1] is done:
            del self._reads[key]


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedReads] = WeakKeyDictionary()


def shared_reads() -> SharedReads:
    """Return the reads of the running event loop."""
    return _of_loops.setdefault(asyncio.get_running_loop(), SharedReads())


def slot(seconds: float) -> int:
    """Return the present piece of time: what was read in it is at most so many seconds old."""
    return int(time.monotonic() / seconds)
