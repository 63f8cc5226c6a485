"""Which topics exist. The producer would have the broker make whatever a caller names as its reply topic."""

from __future__ import annotations

import threading
import time

from kafka import KafkaAdminClient

from deployments.kafka import broker

# The broker is asked so often at most.
PAUSE_SECONDS = 0.2
FRESH_SECONDS = 60.0


class ExistingTopics:
    """Safe for threads: all that wait with unknown names share one question to the broker.

    So a caller whose reply topic is missing costs the others little, however often it asks.
    """

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
        began = time.monotonic()
        with self._lock:
            if self._asked_at < began:
                time.sleep(max(0.0, self._asked_at + PAUSE_SECONDS - time.monotonic()))
                asked_at = time.monotonic()
                self._names = frozenset(self._admin.list_topics())
                self._asked_at = asked_at
        return name in self._names

    def close(self) -> None:
        self._admin.close()

    def _knows(self, name: str) -> bool:
        return name in self._names and time.monotonic() - self._asked_at < FRESH_SECONDS
