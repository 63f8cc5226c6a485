"""Forks the parts, starts again what ends, and ends all together. Holds nothing else: no thread, no connection."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

from agents.backoff import Backoff
from axion_deploy.prefork.parts import Part

# The first pause is short: a part is back within two seconds.
RETRY = Backoff(first=0.2, most=10.0)
# Having run for as long, a part that ends counts as one that never did.
SETTLED_SECONDS = 60.0
# The slowest part finishes requests over Kafka.
END_SECONDS = 20.0
# What a part's code says when its settings are wrong, and starting it again would change nothing.
REFUSED = os.EX_CONFIG
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

logger = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Kept:
    """A part: its process while it runs; otherwise when it is due again. By the clock of `time.monotonic`."""

    part: Part
    pid: int | None = None
    started: float = 0.0
    due: float = 0.0
    failures: int = 0
    ended_before: bool = False


class Master:
    """For the main thread of a process that has no other threads."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.kept = [Kept(part=part) for part in parts]
        self.refused = False
        self._asked_to_end = False
        # A part knows by its end of the pipe that we are gone, however that came.
        self._theirs, self._ours = os.pipe()
        self._wakes, self._woken = os.pipe()

    def run(self) -> Part | None:
        """Return the part to be, in each process that was forked; None in this one, when all have ended.

        `refused` says then that a part would not start by its settings. Ends on SIGTERM and SIGINT.
        """
        os.set_blocking(self._wakes, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        while not self._asked_to_end and not self.refused:
            for kept in self.kept:
                if kept.pid is None and kept.due <= time.monotonic() and self._fork(kept):
                    return kept.part
            self._wait(self._next_due())
            self._reap()
        self._end()
        return None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._asked_to_end = True

    def _next_due(self) -> float | None:
        due = [kept.due for kept in self.kept if kept.pid is None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _wait(self, seconds: float | None) -> None:
        """Wait for a signal: also one that came before, as it is left in the pipe."""
        if select.select([self._wakes], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakes, 4096)

    def _fork(self, kept: Kept) -> bool:
        """Start the part; true in its process. A signal that comes meanwhile waits until its handlers are its own."""
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                self._become(kept.part)
                return True
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        kept.pid, kept.started = pid, time.monotonic()
        logger.info("part started", part=kept.part.name, pid=pid)
        return False

    def _become(self, part: Part) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        for end in (self._ours, self._wakes, self._woken):
            os.close(end)
        threading.Thread(target=_end_when_orphaned, args=[self._theirs], name="orphaned", daemon=True).start()
        with contextlib.suppress(OSError):
            # For `ps` and `top`, where the system has names of processes.
            Path("/proc/self/comm").write_text(f"axion-{part.name}")

    def _reap(self) -> None:
        for kept in self.kept:
            if kept.pid is None:
                continue
            pid, status = os.waitpid(kept.pid, os.WNOHANG)
            if pid:
                self._ended(kept, code=os.waitstatus_to_exitcode(status))

    def _ended(self, kept: Kept, *, code: int) -> None:
        """Plan the next start, later each time. One that refuses its settings at its first start ends the whole."""
        now = time.monotonic()
        settled = now - kept.started >= SETTLED_SECONDS
        self.refused |= code == REFUSED and not settled and not kept.ended_before
        kept.pid, kept.ended_before = None, True
        kept.failures = 1 if settled else kept.failures + 1
        kept.due = now + RETRY.pause(failures=kept.failures)
        if self._asked_to_end:
            return
        logger.error("part ended", part=kept.part.name, code=code, seconds=round(kept.due - now, 1))

    def _end(self) -> None:
        """Ask all parts to end, all at once; kill what has not ended after END_SECONDS."""
        self._asked_to_end = True
        deadline = time.monotonic() + END_SECONDS
        self._signal_all(signal.SIGTERM)
        while self._running() and (left := deadline - time.monotonic()) > 0:
            self._wait(left)
            self._reap()
        if slow := self._running():
            logger.warning("parts killed: they did not end in time", parts=[kept.part.name for kept in slow])
            self._signal_all(signal.SIGKILL)
        for kept in self._running():
            os.waitpid(kept.pid or 0, 0)

    def _running(self) -> list[Kept]:
        return [kept for kept in self.kept if kept.pid is not None]

    def _signal_all(self, number: signal.Signals) -> None:
        for kept in self._running():
            # Not reaped yet, so the number is nobody else's.
            os.kill(kept.pid or 0, number)


def _end_when_orphaned(pipe: int) -> None:
    """For a thread of a part: nobody would start it again, or end it, once the master is gone."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
