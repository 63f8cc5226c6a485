"""Child processes: argument lists, a process group each, ended as a group, found again after a crash.

Every child carries a marker in its environment. A runner that was killed finds what it left behind by that marker, so
there is no moment at which a child exists and is not on record.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import logging
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.runner.errors import InterruptedWorkError
from agents.runner.interrupt import Interrupt

MARKER = "AXION_RUNNER_WORK"
GRACE_SECONDS = 3.0
# A process that waits for a disk dies only when that answers.
KILL_SECONDS = 5.0
HELD_SECONDS = 2.0
READ_BYTES = 64 * 1024
MAX_LINE = 1024 * 1024
PROC = Path("/proc")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What to run. `marker` tells whose work it is; `environment` may hold secrets and is never shown."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    marker: str
    deadline: float
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a child ended; `late` when its deadline (seconds) passed and it was ended for that."""

    code: int
    late: bool


def run(*, child: Child, interrupt: Interrupt, on_line: Callable[[str], None]) -> Ending:
    """Run to the end, handing over each line of output. Raises InterruptedWorkError once its whole group has ended.

    What cannot be ended (it waits for a disk that is gone, say), or has left group and marker behind and holds the
    output open, is left alone seconds after its deadline or the interrupt.
    """
    interrupt.check()
    process = subprocess.Popen(
        child.argv,
        env={**child.environment, MARKER: child.marker},
        cwd=child.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    ender = _Ender(process=process, child=child)
    forget = interrupt.on_set(ender.end_now)
    try:
        _read(process, on_line, ender.left_alone)
        code = _code_of(process, ender)
    finally:
        forget()
        ender.close()
    if interrupt.why:
        raise InterruptedWorkError(interrupt.why)
    return Ending(code=code, late=ender.late)


class _Ender:
    """Ends one child when it is asked to, or when its deadline has passed; in a thread of its own.

    `left_alone` can be read from once nothing more can be done about what is left.
    """

    def __init__(self, *, process: subprocess.Popen[bytes], child: Child) -> None:
        self._process = process
        self._child = child
        self._end = threading.Event()
        self._done = threading.Event()
        self.late = False
        self.left_alone, self._tell = os.pipe()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end_now(self) -> None:
        self._end.set()

    @property
    def gave_up(self) -> bool:
        return bool(select.select([self.left_alone], [], [], 0)[0])

    def close(self) -> None:
        """Stop watching the child."""
        self._done.set()
        self._end.set()
        self._thread.join()
        os.close(self._tell)
        os.close(self.left_alone)

    def _watch(self) -> None:
        if not self._end.wait(self._child.deadline):
            self.late = True
        if self._done.is_set():
            return
        _signal_group(self._process.pid, signal.SIGTERM)
        if not self._done.wait(GRACE_SECONDS):
            _signal_group(self._process.pid, signal.SIGKILL)
        end_marked(marker=self._child.marker, grace=GRACE_SECONDS)
        if not self._done.wait(HELD_SECONDS):
            logger.warning("%s cannot be ended, or something holds its output; it is left alone", self._child.argv[0])
            os.write(self._tell, b"!")


def _read(process: subprocess.Popen[bytes], on_line: Callable[[str], None], left_alone: int) -> None:
    if process.stdout is None:
        return
    text = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    lines = _Lines(on_line)
    with process.stdout as output:
        for came in _pieces(output.fileno(), left_alone):
            lines.take(text.decode(came))
    lines.take(text.decode(b"", final=True))
    lines.end()


class _Lines:
    """Hands on lines of at most LONGEST_READ characters, so that a program without an end of line fills no memory.

    The rest of a longer one is dropped: handed on by itself it could begin with the second half of a secret.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._line = ""
        self._dropping = False

    def take(self, text: str) -> None:
        *whole, self._line = (self._line + text).split("\n")
        for line in whole:
            self._hand_on(line)
            self._dropping = False
        if len(self._line) > MAX_LINE:
            self._hand_on(self._line)
            self._line, self._dropping = "", True

    def end(self) -> None:
        if self._line:
            self._hand_on(self._line)

    def _hand_on(self, line: str) -> None:
        if not self._dropping:
            self._on_line(f"{line[:MAX_LINE]}\n")


def _pieces(output: int, left_alone: int) -> Iterator[bytes]:
    """Return what is written, until the last writer has gone or is left alone."""
    poller = select.poll()
    for each in (output, left_alone):
        poller.register(each, select.POLLIN)
    while True:
        ready = [each for each, _ in poller.poll()]
        if output not in ready:
            return
        came = os.read(output, READ_BYTES)
        if not came:
            return
        yield came


def _code_of(process: subprocess.Popen[bytes], ender: _Ender) -> int:
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=1.0)
        if ender.gave_up:
            return -signal.SIGKILL


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
    deadline = time.monotonic() + KILL_SECONDS
    while found and time.monotonic() < deadline:
        _signal_all(found, signal.SIGKILL)
        time.sleep(0.02)
        found = marked(marker)
    if found:
        logger.warning("%d processes cannot be ended: %s", len(found), found)
    return ended


def _signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def marked(marker: str) -> list[int]:
    """Return the ids of living processes with this marker. Empty where the system has no /proc."""
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
