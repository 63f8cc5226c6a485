"""A Kafka broker of one test module's own, which it may kill and whose topics nobody else uses."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.readiness import wait_ready
from tests.servers.kafka_broker import FILES, READY_SECONDS, answers, formatted_broker
from tests.servers.places import KAFKA_PORT

CONTROLLER_PORT = KAFKA_PORT + 1


class OwnKafka:
    """One broker on free ports; the same ports and data again after a restart."""

    def __init__(self, *, folder: Path) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.folder = folder
        self._settings = folder / "server.properties"
        self._child: Child | None = None

    def start(self) -> None:
        """Returns when the broker answers."""
        if not self._settings.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._settings.write_text(self._own_settings())
        if self._child is None:
            self._child = formatted_broker(folder=self.folder, settings=self._settings)
        self._child.start()
        wait_ready(self._child, probe=lambda: answers(self.address), seconds=READY_SECONDS)

    def kill(self) -> None:
        """As a power cut would."""
        assert self._child is not None, "started before"
        self._child.kill()

    def freeze(self) -> None:
        """Connections stay open and nobody answers, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(grace=10)

    def _signal(self, number: signal.Signals) -> None:
        assert self._child is not None, "started before"
        assert self._child.pid is not None, "started before"
        os.kill(self._child.pid, number)

    def _own_settings(self) -> str:
        text = (FILES / "server.properties").read_text()
        return text.replace(str(KAFKA_PORT), str(self.port)).replace(str(CONTROLLER_PORT), str(free_port()))
