"""A small installation, `manage.py run`, whose parts can be killed as the processes of a large one."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psutil

from axion_deploy.demo.processes import CONTROL_PLANE, control_plane
from axion_deploy.embedded.child import Child
from tests.e2e.control_plane import ControlPlane, wait_for

PARTS = ("web", "gateway", "worker", "publisher", "reconciler")
BACK_SECONDS = 30.0
# Of a process's name, as the kernel keeps it.
NAME_BYTES = 15
KIB = 1024


class SmallPlane(ControlPlane):
    """Like the demo's. Without Kafka, unless `settings` name brokers."""

    def __init__(self, *, folder: Path, settings: dict[str, str] | None = None) -> None:
        super().__init__(folder=folder, settings={"KAFKA_BROKERS": "", **(settings or {})})
        self._before: dict[str, int] = {}

    def _processes(self) -> list[Child]:
        return [control_plane(environment=self.environment, addresses=self.addresses, logs=self.folder)]

    def pids(self) -> dict[str, int]:
        """The processes of the parts by their names; of those that run at this moment."""
        master = psutil.Process(self.children[CONTROL_PLANE].pid)
        names = {f"axion-{part}"[:NAME_BYTES]: part for part in (*PARTS, "consumer")}
        found = {}
        for child in master.children():
            # One that ended a moment ago has no name.
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                found[names.get(Path(f"/proc/{child.pid}/comm").read_text().strip(), "")] = child.pid
        return {name: pid for name, pid in found.items() if name}

    def kill_part(self, name: str) -> None:
        """SIGKILL to one part; returns when another process is that part, and all others are who they were."""
        self.kill(name)
        self.restart(name)

    def kill(self, name: str) -> None:
        """SIGKILL to a part, or to all that the name stands for in any plane."""
        if name not in PARTS:
            super().kill(name)
            return
        self._before = self.pids()
        os.kill(self._before[name], signal.SIGKILL)

    def restart(self, name: str) -> None:
        """A part is started again by its master: returns when it was, and all others are who they were."""
        if name not in PARTS:
            super().restart(name)
            return
        before = self._before

        def back() -> bool:
            now = self.pids()
            return name in now and now[name] != before[name]

        wait_for(back, seconds=BACK_SECONDS, what=f"{name} to be back", details=self.tails)
        assert {**self.pids(), name: 0} == {**before, name: 0}

    def memory_mib(self) -> float:
        """Memory of all processes, pages that several share counted once."""
        master = psutil.Process(self.children[CONTROL_PLANE].pid)
        return sum(_proportional(process.pid) for process in [master, *master.children()]) / KIB


def _proportional(pid: int) -> float:
    """KiB of a process; of a page that n processes share, one n-th. From all mappings: files of libraries, too."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("Pss:")))
