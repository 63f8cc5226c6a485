"""Child processes: argument lists, a process group each, ended as a group, found again after a crash.

Every child carries a marker in its environment. A runner that was killed finds what it left behind by that marker, so
there is no moment at which a child exists and is not on record.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.runner.errors import InterruptedWorkError
from agents.runner.interrupt import Interrupt

MARKER = "AXION_RUNNER_WORK"
GRACE_SECONDS = 3.0
LONGEST_READ = 1024 * 1024
PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What to run. `marker` tells whose work it is; `environment` may hold secrets and is never shown."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    marker: str
    deadline: float
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended; `late` when its deadline (seconds) passed and it was ended for that."""

    code: int
    late: bool


def run(*, child: Child, interrupt: Interrupt, on_line: Callable[[str], None]) -> Ended:
    """Run to the end, handing over each line of output. Raises InterruptedWorkError once its whole group has ended."""
    interrupt.check()
    process = subprocess.Popen(
        child.argv,
        env={**child.environment, MARKER: child.marker},
        cwd=child.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )
    end = threading.Event()
    late = threading.Event()
    done = threading.Event()
    ender = threading.Thread(target=_end_when_asked, args=(process, child, end, late, done), daemon=True)
    ender.start()
    forget = interrupt.on_set(end.set)
    try:
        _read(process, on_line)
        code = process.wait()
    finally:
        forget()
        done.set()
        end.set()
        ender.join()
    if interrupt.why:
        raise InterruptedWorkError(interrupt.why)
    return Ended(code=code, late=late.is_set())


def _read(process: subprocess.Popen[str], on_line: Callable[[str], None]) -> None:
    if process.stdout is None:
        return
    with process.stdout as output:
        # Bounded, so that a program printing without an end of line cannot fill our memory.
        while line := output.readline(LONGEST_READ):
            on_line(line if line.endswith("\n") else f"{line}\n")


def _end_when_asked(
    process: subprocess.Popen[str], child: Child, end: threading.Event, late: threading.Event, done: threading.Event
) -> None:
    if not end.wait(child.deadline):
        late.set()
    if done.is_set():
        return
    _signal_group(process.pid, signal.SIGTERM)
    if not done.wait(GRACE_SECONDS):
        _signal_group(process.pid, signal.SIGKILL)
    end_marked(marker=child.marker, grace=GRACE_SECONDS)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def end_marked(*, marker: str, grace: float) -> int:
    """End exactly the processes whose marker begins so: TERM, then KILL after the grace; returns how many."""
    found = marked(marker)
    ended = len(found)
    deadline = time.monotonic() + grace
    _signal_all(found, signal.SIGTERM)
    while found and time.monotonic() < deadline:
        time.sleep(0.02)
        found = marked(marker)
    while found:
        _signal_all(found, signal.SIGKILL)
        time.sleep(0.02)
        found = marked(marker)
    return ended


def _signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def marked(marker: str) -> list[int]:
    """Ids of living processes with this marker. Empty where the system has no /proc."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            entries = (folder / "environ").read_bytes().split(b"\0")
            if any(entry.startswith(wanted) for entry in entries) and not _is_zombie(folder):
                found.append(int(folder.name))
    return found


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
