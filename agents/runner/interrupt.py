"""Ending work on request: one flag that the work checks and that child processes are bound to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agents.runner.errors import InterruptedWorkError

REVERTED = "reverted"
STOPPING = "stopping"
ABANDONED = "abandoned"


class Interrupt:
    """Set once, with a reason; tells everybody who registered. Safe across threads."""

    def __init__(self, *, parent: Interrupt | None = None) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._count = 0
        self._forget: Callable[[], None] = _nothing
        self.why = ""
        if parent is not None:
            self._forget = parent.on_set(lambda: self.set(parent.why))

    def set(self, why: str) -> None:
        with self._lock:
            if self.why:
                return
            self.why = why
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()

    def on_set(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `tell` when set, at once if it is set already; returns how to unregister. `tell` must not block."""
        with self._lock:
            self._count += 1
            key = self._count
            if not self.why:
                self._listeners[key] = listener
                return lambda: self._unregister(key)
        listener()
        return _nothing

    def check(self) -> None:
        """Raise InterruptedWorkError when set."""
        if self.why:
            raise InterruptedWorkError(self.why)

    def pause(self, seconds: float) -> None:
        """Wait so long. Raises InterruptedWorkError as soon as it is set."""
        ended = threading.Event()
        forget = self.on_set(ended.set)
        try:
            ended.wait(seconds)
        finally:
            forget()
        self.check()

    def close(self) -> None:
        """Stop listening to the parent."""
        self._forget()

    def _unregister(self, key: int) -> None:
        with self._lock:
            self._listeners.pop(key, None)


def _nothing() -> None:
    return None
