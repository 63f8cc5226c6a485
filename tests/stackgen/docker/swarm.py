"""A Docker engine of its own that is a Swarm of one: the engine that everybody shares is never put into that mode."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.own_docker import OwnDocker
from tests.stackgen.docker.engine import run

ADDRESS = "10.88.0.1"
NETWORK = f"""
ip link add outside type veth peer name nowhere
ip address add {ADDRESS}/24 dev outside
ip link set outside up
ip link set nowhere up
"""
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode(), end='')"


class Swarm(OwnDocker):
    """Its commands fail the test that gives them."""

    def command(self, *arguments: str, folder: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run a command of the client and return its output."""
        return run("docker", "--host", self.host, *arguments, folder=folder or self.folder, env=env, seconds=120)

    def get(self, url: str) -> str:
        """Return what a client on the machine of this engine is answered."""
        return run(*self.inside, sys.executable, "-c", ASK, url, folder=self.folder)


@contextmanager
def swarm() -> Iterator[Swarm]:
    # Not pytest's own folder: the path of a socket may have 107 characters.
    made = Swarm(folder=Path(tempfile.mkdtemp(prefix="axion-swarm-")), network=NETWORK)
    try:
        made.start()
        made.command("swarm", "init", "--advertise-addr", ADDRESS)
        yield made
    finally:
        made.stop()
