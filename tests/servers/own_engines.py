"""Several Docker engines as if each were a server: with a hostname, an address and a cable of its own, on one network.

The network begins at this machine, reached from there at `gateway`; it leads nowhere else, so images are copied.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from axion_deploy.embedded.child import Child
from tests.servers.own_docker import OwnDocker, inside, new_network

MAX_NETWORKS = 100
LOCKS = Path(tempfile.gettempdir())
COMMAND_SECONDS = 20.0


class OwnEngine(OwnDocker):
    """One of the servers. `address` is where the others and this machine reach it."""

    def __init__(self, *, name: str, address: str, folder: Path, network: str, switch: Child, plug: str) -> None:
        # All that its containers run stands in one cgroup, so that a killed engine leaves nothing.
        self._cgroup = f"axion-{folder.parent.name}-{name}"
        super().__init__(folder=folder, network=network, hostname=name, options=(f"--cgroup-parent=/{self._cgroup}",))
        self.name = name
        self.address = address
        self._switch = switch
        self._plug = plug

    def cut(self) -> None:
        """Pull the cable: nobody reaches the server, and it reaches nobody. Its engine and containers run on."""
        _run(*inside(self._switch), "ip", "link", "set", self._plug, "down")

    def mend(self) -> None:
        """Put the cable back."""
        _run(*inside(self._switch), "ip", "link", "set", self._plug, "up")

    def kill_containers(self) -> None:
        """SIGKILL to whatever runs in the containers of this engine, and to nothing else."""
        for listed in Path("/sys/fs/cgroup").glob(f"*/{self._cgroup}/**/cgroup.procs"):
            if pids := listed.read_text().split():
                subprocess.run(["kill", "-KILL", *pids], capture_output=True, timeout=COMMAND_SECONDS, check=False)

    def stop(self) -> None:
        super().stop()
        self.kill_containers()


class OwnEngines:
    """The servers by name, after `start`. Needs root; see `own_docker.missing`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        # Not pytest's own folder: the path of a socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="axe-"))
        self.names = names
        self._number, self._lock = _own_number()
        self.gateway = f"10.77.{self._number}.1"
        self._switch: Child | None = None
        self.servers: dict[str, OwnEngine] = {}

    def start(self) -> None:
        """Start all of them side by side; returns when each answers."""
        self._switch = self._new_switch()
        self.servers = {name: self._server(name, self._switch, at=at) for at, name in enumerate(self.names, 10)}
        for server in self.servers.values():
            server.start()

    def _new_switch(self) -> Child:
        """A network with nothing but a bridge, which this machine is plugged into."""
        script = "ip link add bridge type bridge\nip link set bridge up"
        switch = new_network(log_file=self.folder / "switch.log", script=script)
        here = f"axh{self._number}"
        self._unplug()
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", "host", "netns", str(switch.pid))
        _run("ip", "address", "add", f"{self.gateway}/24", "dev", here)
        _run("ip", "link", "set", here, "up")
        _run(*inside(switch), "ip", "link", "set", "host", "master", "bridge", "up")
        return switch

    def _unplug(self) -> None:
        """Take this machine's own end away: the kernel takes its time with what a network that has ended leaves."""
        subprocess.run(
            ["ip", "link", "del", f"axh{self._number}"], capture_output=True, timeout=COMMAND_SECONDS, check=False
        )

    def _server(self, name: str, switch: Child, *, at: int) -> OwnEngine:
        """The server's own end of its cable is made from inside: its other end lands in the switch."""
        address, plug = f"10.77.{self._number}.{at}", f"plug{at}"
        network = f"""
ip link add eth0 type veth peer name {plug} netns {switch.pid}
ip address add {address}/24 dev eth0
ip link set eth0 up
ip route add default via {self.gateway}
nsenter --net=/proc/{switch.pid}/ns/net ip link set {plug} master bridge up
"""
        folder = self.folder / name
        return OwnEngine(name=name, address=address, folder=folder, network=network, switch=switch, plug=plug)

    def copy_images(self, *images: str) -> None:
        """Bring images to every server."""
        for server in self.servers.values():
            server.copy_images(*images)

    def stop(self) -> None:
        """End all, with whatever ran there."""
        with ExitStack() as ends:
            ends.callback(self._lock.close)
            ends.callback(shutil.rmtree, self.folder, ignore_errors=True)
            ends.callback(self._unplug)
            if self._switch is not None:
                ends.callback(self._switch.stop, grace=COMMAND_SECONDS)
            for server in self.servers.values():
                ends.callback(server.stop)


@contextmanager
def own_engines(*names: str) -> Iterator[OwnEngines]:
    """Give so many servers with an engine each, and end them."""
    engines = OwnEngines(names)
    try:
        engines.start()
        yield engines
    finally:
        engines.stop()


def _own_number() -> tuple[int, IO[bytes]]:
    """The first network that no other process of this machine uses, and what holds it."""
    for number in range(1, MAX_NETWORKS):
        lock = (LOCKS / f"axion-engines-{number}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return number, lock
    raise AssertionError("too many networks of engines at once")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_SECONDS)
