"""Threads that answer requests, a fixed number for each kind, so that slow work of one never holds up the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import structlog
from django.db import connections

Job = Callable[[], None]

logger = structlog.get_logger(__name__)


class Workers:
    """`underway` counts jobs from being handed over until `finish`, which may be later than the job's own end.

    Their bytes are the bound and not their number: a partition that is paused is not asked for again before the fetch
    that is on its way has ended, so whoever pauses for a few small requests waits most of the time.
    """

    def __init__(self, *, name: str, count: int, max_bytes: int) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._underway = 0
        self._bytes = 0
        self._max_bytes = max_bytes
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def start(self, job: Job, *, size: int) -> None:
        """Take on a request of so many bytes; `job` is its first step."""
        with self._lock:
            self._underway += 1
            self._bytes += size
        self._jobs.put(job)

    def continue_with(self, job: Job) -> None:
        """Take on a further step of a request that is underway."""
        self._jobs.put(job)

    def finish(self, *, size: int) -> None:
        """Note that a request of so many bytes is done with."""
        with self._lock:
            self._underway -= 1
            self._bytes -= size

    @property
    def underway(self) -> int:
        return self._underway

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._max_bytes

    @property
    def has_room(self) -> bool:
        """Well below the bound: there is work until what is resumed now arrives."""
        return self._bytes <= self._max_bytes // 2

    def stop(self, *, seconds: float) -> None:
        """End the threads once their present jobs are done, waiting at most `seconds` for each."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(seconds)

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                try:
                    job()
                except Exception as error:
                    logger.error("job of a request failed", exc_info=error)
        finally:
            connections.close_all()
