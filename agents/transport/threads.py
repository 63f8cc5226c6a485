"""Database work off the event loop: a bounded pool whose threads keep a connection each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from agents.db_errors import DATABASE_AWAY

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThreads:
    """Runs synchronous calls in at most `count` threads."""

    def __init__(self, *, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)
        self._connections: dict[int, BaseDatabaseWrapper] = {}

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the call's result or error. After an error of the driver the thread's connection is opened anew."""
        work = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, work)

    def close(self) -> None:
        """Wait for running calls and close every thread's connection. Blocks."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections.values():
            connection.inc_thread_sharing()  # its thread has ended, so it is ours now
            connection.close()

    def _guarded(self, work: Callable[[], T]) -> T:
        # Not close_old_connections: its health check would double the statements of the liveness loop.
        self._connections[threading.get_ident()] = connections[DEFAULT_DB_ALIAS]
        try:
            return work()
        except DATABASE_AWAY:
            connections.close_all()
            raise
