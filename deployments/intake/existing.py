"""Which topics exist. The producer would have the broker make whatever a caller names as its reply topic."""

from __future__ import annotations

import threading
import time

from kafka import KafkaAdminClient

from deployments import broker

# A name that nobody knows is asked for again after this; so often at most.
PAUSE_SECONDS = 1.0
FRESH_SECONDS = 60.0


class ExistingTopics:
    """Safe for threads: those with unknown names wait for one question to the broker."""

    def __init__(self, *, client_id: str) -> None:
        """Raises what broker.BROKER_AWAY names when no broker answers."""
        self._admin = KafkaAdminClient(**broker.connection(client_id=client_id))
        self._lock = threading.Lock()
        self._names: frozenset[str] = frozenset()
        self._asked_at = -FRESH_SECONDS

    def has(self, name: str) -> bool:
        """Raises what broker.BROKER_AWAY names when no broker answers."""
        if self._knows(name):
            return True
        with self._lock:
            if not self._knows(name):
                time.sleep(max(0.0, self._asked_at + PAUSE_SECONDS - time.monotonic()))
                self._names = frozenset(self._admin.list_topics())
                self._asked_at = time.monotonic()
        return name in self._names

    def close(self) -> None:
        self._admin.close()

    def _knows(self, name: str) -> bool:
        return name in self._names and time.monotonic() - self._asked_at < FRESH_SECONDS
