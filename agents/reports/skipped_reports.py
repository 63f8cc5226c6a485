"""What agents said that this process could not read, so that health answers tell of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

# Seconds after the last one for which it is told.
TOLD_FOR = 3600.0


class SkippedReports:
    """Counts by what it was, such as "stage", since the process began. Threads may share it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._last = 0.0

    def add(self, what: str) -> int:
        """Count one; return how many of its kind there were by now."""
        with self._lock:
            self._counts[what] += 1
            self._last = self._clock()
            return self._counts[what]

    def recent(self) -> dict[str, int]:
        """Return the counts by what it was; nothing once TOLD_FOR has passed since the last one."""
        with self._lock:
            if self._clock() - self._last >= TOLD_FOR:
                return {}
            return dict(sorted(self._counts.items()))


SKIPPED = SkippedReports()
