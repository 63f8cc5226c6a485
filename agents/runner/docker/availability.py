"""Asks the Docker engine again and again whether it is there, so that nobody else has to wait for its answer."""

from __future__ import annotations

import logging
import threading

from agents.runner.docker.host import DockerHost

LOOK_SECONDS = 5.0
logger = logging.getLogger(__name__)


class EngineMonitor:
    """One thread. Heartbeats tell what it saw last; an engine that hangs must not silence them."""

    def __init__(self, *, host: DockerHost) -> None:
        self._host = host
        self._containers = 0
        self._engine_id = ""
        self._knows_engine = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="docker-pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def containers(self) -> int:
        """Return how many running containers of this host are ours; 0 while the engine does not answer."""
        return self._containers

    def engine_id(self) -> str:
        """Return what names the engine on its host, as of its last answer; empty before the first."""
        return self._engine_id

    def _beat(self) -> None:
        while not self._stopping.is_set():
            try:
                self._containers = self._host.active_containers()
                if not self._knows_engine:
                    self._engine_id = self._host.engine_id()
                    self._knows_engine = True
            except Exception as error:  # whatever it is, the next look comes
                self._containers = 0
                # Another one may answer when it is back.
                self._knows_engine = False
                logger.debug("no answer of Docker: %s", error)
            self._stopping.wait(LOOK_SECONDS)
