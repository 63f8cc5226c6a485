"""Which programs this demo started, on disk, so that the next run can end what a killed run left behind."""

from __future__ import annotations

import contextlib
import json
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

GRACE_SECONDS = 10.0
# The start time is told relative to the system clock, which may be corrected in between.
CLOCK_SECONDS = 2.0


@dataclass(frozen=True)
class Entry:
    """A process id means something only together with the moment its process began."""

    name: str
    pid: int
    created: float
    stop_signal: int = signal.SIGTERM


class Ledger:
    """Not safe for two demos at once: the demo's lock sees to that."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, *, name: str, pid: int | None, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """Remember a program that was just started; one that has already ended is left out."""
        if pid is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            entry = Entry(name=name, pid=pid, created=psutil.Process(pid).create_time(), stop_signal=stop_signal)
            self._write([*self._alive(), entry])

    def end_leftovers(self) -> list[str]:
        """Ends, newest first, what still runs of an earlier demo and its descendants; returns the names."""
        entries = self._alive()
        for entry in reversed(entries):
            _end(entry)
        self._path.unlink(missing_ok=True)
        return [entry.name for entry in entries]

    def close(self) -> None:
        self._path.unlink(missing_ok=True)

    def _alive(self) -> list[Entry]:
        try:
            entries = [Entry(**each) for each in json.loads(self._path.read_text())]
        except (OSError, ValueError, TypeError):
            return []
        return [entry for entry in entries if _process(entry) is not None]

    def _write(self, entries: list[Entry]) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps([asdict(entry) for entry in entries]))
        draft.replace(self._path)


def _process(entry: Entry) -> psutil.Process | None:
    """Return the process only if it is the very one that was noted, and still runs."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(entry.pid)
        if abs(process.create_time() - entry.created) < CLOCK_SECONDS and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def _end(entry: Entry) -> None:
    process = _process(entry)
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        process.send_signal(entry.stop_signal)
        psutil.wait_procs([process], timeout=GRACE_SECONDS)
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
