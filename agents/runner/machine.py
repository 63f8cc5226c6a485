"""Figures of this machine, from the system itself; zero where the system does not tell."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import VERSION

STAT = Path("/proc/stat")
MEMINFO = Path("/proc/meminfo")
TCP_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# As those tables write the state.
LISTEN = "0A"


class Machine:
    """Processor use is what happened since the last reading.

    `containers` and `engine_id` must know without asking anybody.
    """

    def __init__(
        self,
        *,
        state_dir: Path,
        containers: Callable[[], int],
        engine_version: Callable[[], str],
        engine_id: Callable[[], str],
    ) -> None:
        self._state_dir = state_dir
        self._containers = containers
        self._engine_version = engine_version
        self._engine_id = engine_id
        self._busy, self._total = processor_times()

    def health(self, *, now: int) -> pb.AgentHealth:
        """Return per cent of all processors; bytes in use; running containers of ours. `now` in epoch seconds."""
        total_memory, available = memory()
        busy, total = processor_times()
        passed = total - self._total
        cpu = 100.0 * (busy - self._busy) / passed if passed > 0 else 0.0
        self._busy, self._total = busy, total
        return pb.AgentHealth(
            connected=True,
            cpu_usage=round(cpu, 1),
            memory_usage=total_memory - available,
            disk_usage=shutil.disk_usage(self._state_dir).used,
            active_containers=self._containers(),
            last_heartbeat=now,
            engine_id=self._engine_id(),
        )

    def info(self) -> pb.AgentInfo:
        total_memory, available = memory()
        engine = self._engine_version()
        return pb.AgentInfo(
            version=VERSION,
            os=f"{platform.system()} {platform.release()}",
            architecture=platform.machine(),
            server_info=pb.ServerInfo(
                os=platform.system(),
                architecture=platform.machine(),
                total_memory=total_memory,
                available_memory=available,
                cpu_cores=os.cpu_count() or 0,
                docker_installed=bool(engine),
                docker_version=engine,
            ),
        )


def processor_times() -> tuple[int, int]:
    """Return busy and total ticks of all processors since the machine started."""
    if not STAT.exists():
        return 0, 0
    ticks = [int(word) for word in STAT.read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def memory() -> tuple[int, int]:
    """Return total and available bytes."""
    if not MEMINFO.exists():
        return 0, 0
    lines = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
    return _bytes(lines["MemTotal"]), _bytes(lines["MemAvailable"])


def _bytes(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) * 1024


def listening_program(port: int) -> str:
    """Return the name of a program that listens on this TCP port here; empty where none does, or it may not be seen."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        with suppress(OSError):
            if any(_leads_to(link) in wanted for link in (process / "fd").iterdir()):
                return (process / "comm").read_text().strip()
    return ""


def _leads_to(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        # Closed meanwhile.
        return ""


def _listening(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on this port."""
    found = set()
    for table in TCP_TABLES:
        with suppress(OSError):
            for fields in map(str.split, table.read_text().splitlines()[1:]):
                if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found
