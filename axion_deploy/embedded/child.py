"""A program that we start, whose output goes to a file, and that we end by its own process id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

TAIL_BYTES = 64 * 1024


def tail(path: Path, *, lines: int = 20) -> str:
    """Return the last lines of a log; empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return "".join(deque((line.decode(errors="replace") for line in log), maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""


class Child:
    """One program. Not for use from several threads at once."""

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        log_file: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log_file = log_file
        self.env = dict(env) if env is not None else None
        self.cwd = cwd
        self.stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        # Taken when the stop is asked for: afterwards a program that is gone can no longer be asked for its children.
        self._family: list[psutil.Process] = []
        self._asked = False

    def start(self) -> None:
        """Raises OSError when the program cannot be run at all."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._family, self._asked = [], False
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal must reach us alone: we end our children in the right order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """Return how it ended: None while it runs or was never started; negative for the signal that ended it."""
        return self._process.poll() if self._process else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def request_stop(self) -> None:
        """Sends the stop signal, once, to the program alone: a second one would be taken for impatience."""
        if self._process is None or self._asked or not self.is_running():
            return
        self._asked = True
        self._family = _descendants(self._process.pid)
        self._process.send_signal(self.stop_signal)

    def stop(self, *, grace: float = 10.0) -> bool:
        """Ends the program and what it started; False when it had to be killed after `grace` seconds."""
        if self._process is None:
            return True
        self.request_stop()
        try:
            self._process.wait(grace)
            clean = True
        except subprocess.TimeoutExpired:
            clean = False
        self.kill()
        return clean

    def kill(self) -> None:
        """Send SIGKILL to the program, if it still runs, and to what it started."""
        if self._process is None:
            return
        family = [*self._family, *_descendants(self._process.pid)] if self.is_running() else self._family
        if self.is_running():
            os.kill(self._process.pid, signal.SIGKILL)
        for process in family:
            # psutil compares the start time, so a process id that was given to somebody else is left alone.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(5)

    def tail(self, *, lines: int = 20) -> str:
        return tail(self.log_file, lines=lines)


def _descendants(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []
