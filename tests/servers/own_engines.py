"""Several engines of one test's own, each as a server with a cable that can be cut, in a network without a way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from axion_deploy.embedded.engine_network import EngineNetwork, NetworkedEngine
from tests.servers.own_docker import Faults


class OwnEngine(Faults, NetworkedEngine):
    """One of the servers, which a test may also kill and freeze."""


OwnEngines = EngineNetwork[OwnEngine]


@contextmanager
def own_engines(*names: str) -> Iterator[OwnEngines]:
    """Give so many servers with an engine each, and end them."""
    engines = EngineNetwork(names, kind=OwnEngine)
    try:
        engines.start()
        yield engines
    finally:
        engines.stop()
