"""A Docker engine of one test's own, which it may kill and freeze: in a network of its own, so it meets no other."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.waiting import wait_ready

READY_SECONDS = 60.0
ANSWER_SECONDS = 5.0
COPY_SECONDS = 300.0
STOP_SECONDS = 30.0


class OwnDocker:
    """The data stay in `folder` from start to start. Needs root. The path must be short: Unix sockets lie in it."""

    def __init__(self, *, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder / 'docker.sock'}"
        self._network: Child | None = None
        self._engine: Child | None = None

    def start(self) -> None:
        """Start the engine, again after `kill`; returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._network is None:
            self._network = self._new_network()
        (self.folder / "docker.pid").unlink(missing_ok=True)
        self._engine = Child(
            name="docker engine",
            command=["nsenter", f"--net=/proc/{self._network.pid}/ns/net", "dockerd", *self._options()],
            log_file=self.folder / "dockerd.log",
        )
        self._engine.start()
        wait_ready(self._engine, probe=self.answers, seconds=READY_SECONDS)

    def _new_network(self) -> Child:
        """A process that only holds a network namespace open, whose loopback is up."""
        script = "ip link set lo up && echo ready && exec sleep infinity"
        holder = Child(
            name="network",
            command=["unshare", "--net", "bash", "-c", script],
            log_file=self.folder / "network.log",
        )
        holder.start()
        wait_ready(holder, probe=lambda: "ready" in holder.tail(), seconds=ANSWER_SECONDS)
        return holder

    def _options(self) -> list[str]:
        folder = self.folder
        return [
            f"--data-root={folder / 'data'}",
            f"--exec-root={folder / 'exec'}",
            f"--pidfile={folder / 'docker.pid'}",
            f"--host={self.host}",
        ]

    def answers(self) -> bool:
        with contextlib.suppress(subprocess.SubprocessError):
            return self.docker("info", "--format", "{{.ServerVersion}}", seconds=ANSWER_SECONDS).returncode == 0
        return False

    def copy_images(self, *names: str) -> None:
        """Bring images over from the engine that the tests share."""
        with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ["docker", "--host", self.host, "load", "--quiet"],
                stdin=saved.stdout,
                stdout=subprocess.DEVNULL,
                timeout=COPY_SECONDS,
                check=True,
            )

    def docker(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run the client against this engine. Raises subprocess.TimeoutExpired."""
        command = ["docker", "--host", self.host, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)

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
        assert self._engine is not None
        assert self._engine.pid is not None
        os.kill(self._engine.pid, number)

    def stop(self) -> None:
        """End the engine with all its containers and take away all that it had."""
        with contextlib.suppress(subprocess.SubprocessError, ProcessLookupError):
            self.thaw()
            containers = self.docker("ps", "-aq").stdout.split()
            if containers:
                self.docker("rm", "--force", "--volumes", *containers)
        for child in (self._engine, self._network):
            if child is not None:
                child.stop(grace=STOP_SECONDS)
        _unmount(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def _unmount(folder: Path) -> None:
    """Whatever a killed engine left mounted below the folder, the deepest first."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((each for each in mounts if each.startswith(f"{folder}/")), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, timeout=ANSWER_SECONDS, check=False)
