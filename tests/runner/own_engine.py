"""A Docker engine of the tests' own, in a network namespace of its own: to be stopped, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

START_SECONDS = 40.0
STOP_SECONDS = 40.0


def missing() -> str:
    """What this machine lacks for an engine of its own; empty when nothing."""
    lacking = [name for name in ("dockerd", "unshare", "ip") if shutil.which(name) is None]
    return "root" if os.geteuid() != 0 else ", ".join(lacking)


@dataclass
class OwnEngine:
    """Short paths: a socket's may not be longer than a hundred characters."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="axe-")))
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        argv = [
            *("dockerd", "--host", self.address, "--pidfile", f"{self.folder}/pid"),
            *("--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/run"),
            *("--cgroup-parent", f"/{self.folder.name}"),
        ]
        command = f"ip link set lo up; exec {' '.join(argv)}"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        give_up_at = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < give_up_at, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def _answers(self) -> bool:
        # Not with a client of ours: one that finds nobody leaves its socket open.
        asked = subprocess.run(["docker", "--host", self.address, "version"], check=False, capture_output=True)
        return asked.returncode == 0

    @contextmanager
    def client(self) -> Iterator[Any]:
        with closing(docker.APIClient(base_url=self.address, version="auto", timeout=10)) as made:
            yield made

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def shut(self) -> None:
        """Ends the engine, and so its containers."""
        if self._process is not None and self.runs():
            self._signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(STOP_SECONDS)

    def remove(self) -> None:
        self.shut()
        subprocess.run(["umount", "-R", f"{self.folder}/data", f"{self.folder}/run"], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
