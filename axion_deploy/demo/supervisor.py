"""Keeps the demo's processes running: one that ends is started again, a bounded number of times."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from agents.backoff import Backoff
from axion_deploy.demo.errors import DemoError
from axion_deploy.embedded.child import Child

POLL_SECONDS = 0.1
RETRY = Backoff(first=0.2, most=5.0)
# More ends than this within the window, and starting again would only hide the reason.
MAX_RESTARTS = 6
WINDOW_SECONDS = 60.0


class Kept:
    """One process, when it ended lately, and when it is due again."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.ends: deque[float] = deque()
        self.due: float | None = None
        self.given_up = False

    def ended(self, *, now: float) -> None:
        """Plan the next start, later each time; give up after MAX_RESTARTS within the window."""
        self.ends.append(now)
        while self.ends and now - self.ends[0] > WINDOW_SECONDS:
            self.ends.popleft()
        if len(self.ends) > MAX_RESTARTS:
            self.given_up = True
            return
        self.due = now + RETRY.pause(failures=len(self.ends))


class Supervisor:
    """Watches from one thread; `on_start` is called with each child that was started."""

    def __init__(self, *, children: Sequence[Child], on_start: Callable[[Child], None]) -> None:
        self._kept = [Kept(child) for child in children]
        self._on_start = on_start
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Raises OSError when a program cannot be run at all; those before it are running then: call stop()."""
        for kept in self._kept:
            self._start(kept)
        self._thread.start()

    def check(self) -> None:
        """Raises DemoError, with the end of its log, when a process ends again and again."""
        for kept in self._kept:
            if kept.given_up:
                raise DemoError(
                    f"The process {kept.child.name} ended {len(kept.ends)} times within {WINDOW_SECONDS:g} s "
                    f"(code {kept.child.exit_code}). The end of {kept.child.log_file}:\n{kept.child.tail()}"
                )

    def child(self, name: str) -> Child:
        return next(kept.child for kept in self._kept if kept.child.name == name)

    def stop(self, *, grace: float = 10.0) -> list[str]:
        """Ends all; returns the names of those that had to be killed. May be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        children = [kept.child for kept in self._kept]
        for child in children:
            # All hear of it before the first is waited for, so together they take as long as the slowest.
            child.request_stop()
        return [child.name for child in children if not child.stop(grace=grace)]

    def _start(self, kept: Kept) -> None:
        kept.due = None
        kept.child.start()
        self._on_start(kept.child)

    def _watch(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            now = time.monotonic()
            for kept in self._kept:
                if kept.given_up or kept.child.is_running():
                    continue
                if kept.due is None:
                    kept.ended(now=now)
                elif now >= kept.due:
                    self._restart(kept)

    def _restart(self, kept: Kept) -> None:
        try:
            self._start(kept)
        except OSError:
            kept.given_up = True
