"""Docker's events: a thread that listens for as long as it is not closed, whatever becomes of the engine meanwhile."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from agents.backoff import Backoff
from agents.runner.docker.engine import Engine, connect

PAUSES = Backoff(first=0.5, most=5.0)
logger = logging.getLogger(__name__)


class Watch:
    """Calls `wake` at each event and, since events may have been missed, whenever it has begun to listen anew.

    `heard` is given each event. Waking once too often is harmless.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        filters: dict[str, Any],
        wake: Callable[[], None],
        heard: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._engine = engine
        self._filters = filters
        self._wake = wake
        self._heard = heard
        self._closed = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._listen, name="docker-events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        stream = self._stream
        if stream is not None:
            # It may have no socket yet, or none any more.
            with contextlib.suppress(Exception):
                stream.close()

    def _listen(self) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                self._listen_once()
                failures = 0
            except Exception as error:  # however the engine goes away, this thread stays
                failures += 1
                logger.debug("not listening to Docker's events: %s", error)
            self._closed.wait(PAUSES.pause(failures=max(1, failures)))

    def _listen_once(self) -> None:
        """Listen until the engine ends the stream."""
        # A quiet stack sends nothing for hours.
        client = connect(seconds=None)
        with contextlib.closing(client):
            self._stream = client.events(filters=self._filters, decode=self._heard is not None)
            # What happened before the stream was open is seen by looking once now.
            self._wake()
            try:
                for event in () if self._closed.is_set() else self._stream:
                    if self._heard is not None:
                        self._heard(event)
                    self._wake()
            finally:
                if not self._closed.is_set():
                    self._engine.line_cut()
