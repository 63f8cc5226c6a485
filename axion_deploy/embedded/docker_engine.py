"""A Docker engine of our own, beside the machine's: in a network of its own, so it meets no other. Needs root."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.readiness import wait_ready

PROGRAMS = ("dockerd", "unshare", "nsenter", "ip")
READY_SECONDS = 60.0
ANSWER_SECONDS = 5.0
COPY_SECONDS = 300.0
STOP_SECONDS = 60.0


def missing() -> str:
    """Return what this machine lacks for an engine of one's own; empty when nothing."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return "root" if os.geteuid() != 0 else ", ".join(lacking)


def new_network(*, log_file: Path, script: str = "", hostname: str = "") -> Child:
    """Return a process that only holds a network namespace open, whose loopback is up, and `script` run in it.

    Whoever looks from inside finds the machine called `hostname`. All that is in the network goes with the process.
    """
    naming = f"hostname {hostname}" if hostname else ""
    unshare = ["unshare", "--net", *(["--uts"] if hostname else [])]
    lines = [naming, "ip link set lo up", script, "echo ready", "exec sleep infinity"]
    holder = Child(name="network", command=[*unshare, "bash", "-ec", "\n".join(lines)], log_file=log_file)
    holder.start()
    wait_ready(holder, probe=lambda: "ready" in holder.tail(), seconds=ANSWER_SECONDS)
    return holder


def inside(network: Child) -> tuple[str, ...]:
    """Return what begins a command that runs in that network, under its hostname."""
    return ("nsenter", f"--net=/proc/{network.pid}/ns/net", f"--uts=/proc/{network.pid}/ns/uts")


class EmbeddedEngine:
    """The data stay in `folder` from start to start. The path must be short: Unix sockets lie in it.

    `network` are commands of a shell that furnish the engine's network further, `hostname` is what the engine calls its
    machine (that of the real one when empty), `options` go to dockerd besides. `program` begins the command.
    """

    program: tuple[str, ...] = ("dockerd",)

    def __init__(self, *, folder: Path, network: str = "", hostname: str = "", options: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.host = f"unix://{folder / 'docker.sock'}"
        self._furnish = network
        self._hostname = hostname
        self._more_options = options
        self._network: Child | None = None
        self._engine: Child | None = None

    def start(self) -> None:
        """Start the engine, again after its end; returns when it answers. Raises NotReady."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._network is None:
            self._network = self._new_network()
        (self.folder / "docker.pid").unlink(missing_ok=True)
        self._engine = Child(
            name="docker engine",
            command=[*self.inside, *self.program, *self._options()],
            log_file=self.folder / "dockerd.log",
        )
        self._engine.start()
        wait_ready(self._engine, probe=self.answers, seconds=READY_SECONDS)

    def _new_network(self) -> Child:
        return new_network(log_file=self.folder / "network.log", script=self._furnish, hostname=self._hostname)

    @property
    def inside(self) -> tuple[str, ...]:
        """What begins a command that runs in the engine's network."""
        assert self._network is not None, "started before"
        return inside(self._network)

    @property
    def programs(self) -> dict[str, int]:
        """The process ids of what was started, by name."""
        children = {"engine": self._engine, "network of an engine": self._network}
        return {name: child.pid for name, child in children.items() if child is not None and child.pid is not None}

    def _options(self) -> list[str]:
        folder = self.folder
        return [
            f"--data-root={folder / 'data'}",
            f"--exec-root={folder / 'exec'}",
            f"--pidfile={folder / 'docker.pid'}",
            f"--host={self.host}",
            *self._more_options,
        ]

    def answers(self) -> bool:
        with contextlib.suppress(subprocess.SubprocessError):
            return self.docker("info", "--format", "{{.ServerVersion}}", seconds=ANSWER_SECONDS).returncode == 0
        return False

    def copy_images(self, *names: str) -> None:
        """Bring images over from the machine's engine. Raises CalledProcessError, TimeoutExpired."""
        with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ["docker", "--host", self.host, "load", "--quiet"],
                stdin=saved.stdout,
                stdout=subprocess.DEVNULL,
                timeout=COPY_SECONDS,
                check=True,
            )
        if saved.returncode:
            raise subprocess.CalledProcessError(saved.returncode, saved.args)

    def docker(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run the client against this engine. Raises subprocess.TimeoutExpired."""
        command = ["docker", "--host", self.host, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)

    def runs(self) -> bool:
        return self._engine is not None and self._engine.is_running()

    def shut(self) -> None:
        """End the engine as a machine does that is shut down: its containers stop first."""
        if self._engine is not None:
            self._engine.stop(grace=STOP_SECONDS)

    def stop(self) -> None:
        """End the engine with all its containers and take away all that it had."""
        if self.runs():
            with contextlib.suppress(subprocess.SubprocessError):
                if containers := self.docker("ps", "-aq").stdout.split():
                    self.docker("rm", "--force", "--volumes", *containers)
        self.shut()
        if self._network is not None:
            self._network.stop(grace=ANSWER_SECONDS)
        clear(self.folder)


def clear(folder: Path) -> None:
    """Take away what an engine with this folder left, killed or not: its shims, its mounts, its data."""
    _end_shims(folder)
    _unmount(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _end_shims(folder: Path) -> None:
    """End what watched over the containers of an engine that was killed: nobody else will."""
    mine = str(folder / "exec" / "containerd").encode()
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = cmdline.read_bytes().split(b"\0")
            if b"containerd-shim" in words[0] and any(word.startswith(mine) for word in words):
                os.kill(int(cmdline.parent.name), signal.SIGKILL)


def _unmount(folder: Path) -> None:
    """Whatever a killed engine left mounted below the folder, the deepest first."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((each for each in mounts if each.startswith(f"{folder}/")), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, timeout=ANSWER_SECONDS, check=False)
