"""A circuit breaker: a peer that failed several times in a row is left alone for a while. Pure."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

MAX_FAILURES = 5
OPEN_SECONDS = 10.0


@dataclass
class CircuitBreaker:
    """Closed until MAX_FAILURES in a row; then open for OPEN_SECONDS; then one call in each OPEN_SECONDS may try.

    A success closes it. Safe for threads. Times are seconds of any clock that only rises.
    """

    _failures: int = 0
    _next_try_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def may_call(self, *, now: float) -> bool:
        """Return whether a call may be made. While it is open, one caller per OPEN_SECONDS hears yes."""
        with self._lock:
            if self._failures < MAX_FAILURES:
                return True
            if now < self._next_try_at:
                return False
            # This caller tries; the others wait for what comes of it, or for the next turn.
            self._next_try_at = now + OPEN_SECONDS
            return True

    def note_success(self) -> None:
        with self._lock:
            self._failures = 0

    def note_failure(self, *, now: float) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == MAX_FAILURES:
                self._next_try_at = now + OPEN_SECONDS
