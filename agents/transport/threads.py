"""Database work off the event loop: a bounded pool whose threads keep a connection each."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connections

P = ParamSpec("P")
T = TypeVar("T")

# The database is away, or asked to try again: the work is not to blame and may be repeated.
DATABASE_AWAY = (OperationalError, InterfaceError)
CLOSE_DEADLINE = 5.0


class DatabaseThreads:
    """Runs synchronous calls in at most `count` threads."""

    def __init__(self, *, count: int, name: str) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result or error. After an error of the driver the thread's connection is opened anew."""
        work = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, _guarded, work)

    def close(self) -> None:
        """Wait for running calls and close every thread's connection. Blocks."""
        all_here = threading.Barrier(self._count)
        for _ in range(self._count):
            self._pool.submit(_close_connections, all_here)
        self._pool.shutdown(wait=True)


def _guarded(work: Callable[[], T]) -> T:
    # Not close_old_connections: its health check would double the statements of the liveness loop.
    try:
        return work()
    except DATABASE_AWAY:
        connections.close_all()
        raise


def _close_connections(all_here: threading.Barrier) -> None:
    try:
        all_here.wait(timeout=CLOSE_DEADLINE)
    except threading.BrokenBarrierError:
        pass  # another thread is still at work; this one's connection closes all the same
    finally:
        connections.close_all()
