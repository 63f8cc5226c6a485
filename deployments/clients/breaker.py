"""A circuit breaker: a peer that failed several times in a row is left alone for a while. Pure; safe for threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

FAILURES = 5
REST_SECONDS = 10.0


@dataclass
class Breaker:
    """Closed until FAILURES in a row; then open for REST_SECONDS; then one call at a time may try, until one succeeds.

    Times are seconds of any clock that only rises.
    """

    _failures: int = 0
    _closed_again_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def may_call(self, *, now: float) -> bool:
        """Ask before each call. A yes while it rests is given to one caller, who takes the next rest upon itself."""
        with self._lock:
            if self._failures < FAILURES:
                return True
            if now < self._closed_again_at:
                return False
            self._closed_again_at = now + REST_SECONDS
            return True

    def note_success(self) -> None:
        with self._lock:
            self._failures = 0

    def note_failure(self, *, now: float) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == FAILURES:
                self._closed_again_at = now + REST_SECONDS

    def rests(self, *, now: float) -> bool:
        """Whether calls are refused now."""
        with self._lock:
            return self._failures >= FAILURES and now < self._closed_again_at
