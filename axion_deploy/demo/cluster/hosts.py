"""Three servers on this machine, each with a Docker engine, an address and a cable of its own, and a registry."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from axion_deploy.demo.errors import DemoError, MissingPiece
from axion_deploy.embedded.docker_engine import missing
from axion_deploy.embedded.engine_network import EngineNetwork, NetworkedEngine, clear_network
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.registry import EmbeddedRegistry, find_registry

NAMES = ("server-1", "server-2", "server-3")
# What the sample's stack builds on and runs.
IMAGES = ("python:3.13-slim", "node:24-slim", "postgres:17", "redis:8", "caddy:2")
# Without TLS: nobody but this machine and the three servers is on that network.
PRIVATE = "10.77.0.0/16"


def find_needed(*, folder: Path) -> str:
    """Return where the registry's program is. Raises MissingPiece, in one sentence, when something is not here."""
    if lacking := missing():
        raise MissingPiece(f"Three servers on one machine need network namespaces: {lacking} is missing.")
    if shutil.which("iptables") is None:
        raise MissingPiece("Three servers on one machine need iptables, so that builds there reach package registries.")
    if program := find_registry(folder=folder):
        return program
    raise MissingPiece("A cluster needs an image registry: install Debian's package docker-registry.")


class Hosts:
    """Everything is ended by `stop`, whether or not `start` came to its end."""

    def __init__(self, *, registry: str) -> None:
        self._program = registry
        self.network = EngineNetwork(
            NAMES, kind=NetworkedEngine, way_out=True, options=(f"--insecure-registry={PRIVATE}",)
        )
        self.registry: EmbeddedRegistry | None = None

    @property
    def folder(self) -> Path:
        return self.network.folder

    def start(self, *, note: Callable[[str, int], None]) -> None:
        """Start the servers, then the registry; `note` hears of each program. Raises DemoError, EmbeddedError."""
        try:
            self.network.start()
        except subprocess.SubprocessError as error:
            raise DemoError(f"The network of the servers could not be made: {error}") from error
        finally:
            for name, pid in self.network.programs.items():
                note(name, pid)
        address = f"{self.network.gateway}:{free_port(host=self.network.gateway)}"
        self.registry = EmbeddedRegistry(program=self._program, folder=self.folder / "registry", address=address)
        self.registry.start()
        if self.registry.pid is not None:
            note("registry", self.registry.pid)

    def copy_images(self) -> None:
        """Bring the base images from this machine's engine to all servers, side by side. Raises DemoError."""
        servers = self.network.servers.values()
        try:
            with ThreadPoolExecutor(len(NAMES)) as pool:
                list(pool.map(lambda server: server.copy_images(*IMAGES), servers))
        except subprocess.SubprocessError as error:
            raise DemoError(f"The base images could not be copied to the servers: {error}") from error

    def addresses(self) -> dict[str, str]:
        return {name: server.address for name, server in self.network.servers.items()}

    def stop(self) -> None:
        if self.registry is not None:
            self.registry.stop()
        self.network.stop()


def clear_leftovers(folder: Path) -> None:
    """Take away what the servers of a killed demo left; their programs have ended before."""
    clear_network(folder, names=NAMES)
