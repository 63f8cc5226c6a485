"""Which topics exist: asked before a reply is sent, or the broker would create whatever topic a caller names."""

from __future__ import annotations

import threading
import time

from kafka import KafkaAdminClient

from deployments.kafka import broker

# Between two questions to the broker.
MIN_PAUSE_SECONDS = 0.2
# For so long a name that was seen counts as existing.
FRESH_SECONDS = 60.0


class ExistingTopics:
    """Safe for threads: all that wait with unknown names share one question to the broker.

    A caller whose reply topic is missing costs the others little, however often it asks.
    """

    def __init__(self, *, client_id: str) -> None:
        """Connect. Raises what broker.BROKER_AWAY names when no broker answers."""
        self._admin = KafkaAdminClient(**broker.connection(client_id=client_id))
        self._lock = threading.Lock()
        self._names: frozenset[str] = frozenset()
        self._asked_at = -FRESH_SECONDS

    def has(self, name: str) -> bool:
        """Return whether the topic exists. Raises what broker.BROKER_AWAY names when no broker answers."""
        if self._knows(name):
            return True
        called_at = time.monotonic()
        with self._lock:
            # Whoever had the lock before may have asked after this call began.
            if self._asked_at < called_at:
                time.sleep(max(0.0, self._asked_at + MIN_PAUSE_SECONDS - time.monotonic()))
                asked_at = time.monotonic()
                self._names = frozenset(self._admin.list_topics())
                self._asked_at = asked_at
        return name in self._names

    def close(self) -> None:
        self._admin.close()

    def _knows(self, name: str) -> bool:
        return name in self._names and time.monotonic() - self._asked_at < FRESH_SECONDS
