"""How long somebody who asks the Docker engine waits for it while it is away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from agents.backoff import Backoff
from agents.runner.activity import WorkProgress
from agents.runner.errors import EngineAwayError
from agents.runner.interrupt import Interrupt

PAUSES = Backoff(first=0.2, most=5.0)


class Patience(Protocol):
    def wait(self, *, away: EngineAwayError, failures: int) -> None:
        """Return when it is time to try again; raise when it is not to be tried any more."""

    def pause(self, seconds: float) -> None:
        """Wait, unless the work is ended meanwhile."""

    def answered(self) -> None:
        """Note that the engine has answered."""


class NoPatience:
    """For whoever comes again anyway."""

    def wait(self, *, away: EngineAwayError, failures: int) -> None:  # noqa: ARG002 - it is not tried twice
        raise away

    def pause(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def answered(self) -> None:
        return None


class WorkPatience:
    """For the work on a command: without the engine nothing can be done, so it waits until the work is interrupted.

    `tell` gets a sentence when the waiting begins and one when it is over.
    """

    def __init__(self, *, interrupt: Interrupt, tell: Callable[[str], None], progress: WorkProgress) -> None:
        self._interrupt = interrupt
        self._tell = tell
        self._progress = progress
        self._lock = threading.Lock()
        self._waiting = False

    def wait(self, *, away: EngineAwayError, failures: int) -> None:
        self._interrupt.check()
        if self._turns(waiting=True):
            self._progress.wait_for("Docker on this host, which does not answer")
            self._tell(f"Docker on this host does not answer: {away}. The agent waits for it.")
        self._interrupt.pause(PAUSES.pause(failures=failures))

    def pause(self, seconds: float) -> None:
        self._interrupt.pause(seconds)

    def answered(self) -> None:
        self._progress.note_activity()
        if self._waiting and self._turns(waiting=False):
            self._tell("Docker on this host answers again.")

    def _turns(self, *, waiting: bool) -> bool:
        with self._lock:
            turns, self._waiting = self._waiting is not waiting, waiting
            return turns
