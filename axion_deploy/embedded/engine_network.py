"""Several Docker engines as if each were a server: with a hostname, an address and a cable of its own, on one network.

The network begins at this machine, reached from there at `gateway`. It leads nowhere else without a `way_out`.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Generic, TypeVar

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.docker_engine import EmbeddedEngine, clear, inside, new_network
from axion_deploy.embedded.errors import NotAvailable

MAX_NETWORKS = 100
LOCKS = Path(tempfile.gettempdir())
COMMAND_SECONDS = 20.0


class NetworkedEngine(EmbeddedEngine):
    """One of the servers. `address` is where the others and this machine reach it."""

    def __init__(
        self,
        *,
        name: str,
        address: str,
        folder: Path,
        network: str,
        switch: Child,
        plug: str,
        options: tuple[str, ...] = (),
    ) -> None:
        # All that its containers run stands in one cgroup, so that a killed engine leaves nothing.
        self._cgroup = f"axion-{folder.parent.name}-{name}"
        parent = f"--cgroup-parent=/{self._cgroup}"
        super().__init__(folder=folder, network=network, hostname=name, options=(parent, *options))
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
        """Send SIGKILL to whatever runs in the containers of this engine, and to nothing else."""
        kill_group(self._cgroup)

    def stop(self) -> None:
        """End the engine as a power cut does, since nothing of it is kept: first it, then what it ran."""
        if self._engine is not None:
            self._engine.kill()
        self.kill_containers()
        super().stop()


Engine = TypeVar("Engine", bound=NetworkedEngine)


class EngineNetwork(Generic[Engine]):
    """The servers by name, after `start`. Needs root; see `docker_engine.missing`.

    `way_out` lets them reach what this machine reaches, by its own address; `options` go to each dockerd.
    """

    def __init__(
        self, names: tuple[str, ...], *, kind: type[Engine], way_out: bool = False, options: tuple[str, ...] = ()
    ) -> None:
        # A folder of its own directly below the temporary one: the path of a socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="axe-"))
        self.names = names
        self._kind = kind
        self._options = options
        self._number, self._lock = _own_number()
        self.gateway = f"10.77.{self._number}.1"
        self._cable = f"axh{self._number}"
        self._rules = _way_out(network=f"10.77.{self._number}.0/24", cable=self._cable) if way_out else ()
        self._switch: Child | None = None
        self.servers: dict[str, Engine] = {}

    def start(self) -> None:
        """Start all of them; returns when each answers. Raises NotReady, CalledProcessError."""
        self._switch = self._new_switch()
        self._close_way_out()
        for chain, rule in self._rules:
            _run("iptables", "--wait", *chain, "--insert", *rule)
        self.servers = {name: self._server(name, self._switch, at=at) for at, name in enumerate(self.names, 10)}
        for server in self.servers.values():
            server.start()

    @property
    def programs(self) -> dict[str, int]:
        """The process ids of what was started, by name."""
        children = {} if self._switch is None else {"switch": self._switch.pid}
        found = {name: pid for name, pid in children.items() if pid is not None}
        for server in self.servers.values():
            found |= {f"{what} {server.name}": pid for what, pid in server.programs.items()}
        return found

    def _new_switch(self) -> Child:
        """Make a network with nothing but a bridge, which this machine is plugged into."""
        script = "ip link add bridge type bridge\nip link set bridge up"
        switch = new_network(log_file=self.folder / "switch.log", script=script)
        self._unplug()
        _run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", "host", "netns", str(switch.pid))
        _run("ip", "address", "add", f"{self.gateway}/24", "dev", self._cable)
        _run("ip", "link", "set", self._cable, "up")
        _run(*inside(switch), "ip", "link", "set", "host", "master", "bridge", "up")
        return switch

    def _unplug(self) -> None:
        """Take this machine's own end away: the kernel takes its time with what a network that has ended leaves."""
        _try("ip", "link", "del", self._cable)

    def _close_way_out(self) -> None:
        """Take the rules away, those of a killed run with the same number as well."""
        for chain, rule in self._rules:
            _try("iptables", "--wait", *chain, "--delete", *rule)

    def _server(self, name: str, switch: Child, *, at: int) -> Engine:
        """Return a server whose end of the cable is made from inside: its other end lands in the switch."""
        address, plug = f"10.77.{self._number}.{at}", f"plug{at}"
        network = f"""
ip link add eth0 type veth peer name {plug} netns {switch.pid}
ip address add {address}/24 dev eth0
ip link set eth0 up
ip route add default via {self.gateway}
nsenter --net=/proc/{switch.pid}/ns/net ip link set {plug} master bridge up
"""
        return self._kind(
            name=name,
            address=address,
            folder=self.folder / name,
            network=network,
            switch=switch,
            plug=plug,
            options=self._options,
        )

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
            ends.callback(self._close_way_out)
            if self._switch is not None:
                ends.callback(self._switch.stop, grace=COMMAND_SECONDS)
            for server in self.servers.values():
                ends.callback(server.stop)


def clear_network(folder: Path, *, names: tuple[str, ...]) -> None:
    """Take away what servers of a killed run left: processes of containers, mounts and data."""
    for name in names:
        clear(folder / name)
        kill_group(f"axion-{folder.name}-{name}")
    shutil.rmtree(folder, ignore_errors=True)


def kill_group(name: str) -> None:
    """Send SIGKILL to all processes in the control group of this name, and in those below it."""
    for listed in Path("/sys/fs/cgroup").glob(f"*/{name}/**/cgroup.procs"):
        if pids := listed.read_text().split():
            subprocess.run(["kill", "-KILL", *pids], capture_output=True, timeout=COMMAND_SECONDS, check=False)


def _way_out(*, network: str, cable: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Return the rules as (table, chain and what it matches): what goes out, and only its answers back in."""
    known = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
    return (
        (("-t", "nat"), ("POSTROUTING", "-s", network, "!", "-d", network, "-j", "MASQUERADE")),
        (("-t", "filter"), ("FORWARD", "-i", cable, "-j", "ACCEPT")),
        (("-t", "filter"), ("FORWARD", "-o", cable, *known, "-j", "ACCEPT")),
    )


def _own_number() -> tuple[int, IO[bytes]]:
    """Return the first network that no other process of this machine uses, and what holds it."""
    for number in range(1, MAX_NETWORKS):
        lock = (LOCKS / f"axion-engines-{number}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return number, lock
    raise NotAvailable(f"All {MAX_NETWORKS - 1} networks for engines of our own are in use.")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_SECONDS)


def _try(*command: str) -> None:
    subprocess.run(command, check=False, capture_output=True, timeout=COMMAND_SECONDS)
