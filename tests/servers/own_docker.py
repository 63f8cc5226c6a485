"""A Docker engine of one test's own, which it may kill, freeze and shut."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import docker

from axion_deploy.embedded.docker_engine import ANSWER_SECONDS, EmbeddedEngine, missing

__all__ = ["Faults", "OwnDocker", "missing"]


class Faults(EmbeddedEngine):
    """What a test does to an engine."""

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Docker's own client for Python, of this engine."""
        with closing(docker.APIClient(base_url=self.host, version="auto", timeout=10)) as made:
            yield made

    def freeze(self) -> None:
        """Stop the engine where it is; containers run on."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL to the engine alone; what runs in containers is left."""
        self._signal(signal.SIGKILL)
        assert self._engine is not None
        self._engine.stop(grace=ANSWER_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        """Nothing, where the engine has ended: its number may be somebody else's by now."""
        assert self._engine is not None
        assert self._engine.pid is not None
        if self._engine.is_running():
            os.kill(self._engine.pid, number)

    def shut(self) -> None:
        if self._engine is not None:
            self.thaw()
        super().shut()

    def stop(self) -> None:
        if self.runs():
            self.thaw()
        super().stop()


class OwnDocker(Faults):
    """An engine that has a network of its own, without a way out: images are copied to it."""
