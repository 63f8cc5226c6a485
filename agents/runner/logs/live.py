"""Lines that wait to be told: the newest of the past, and of what is written now, with how many came too fast."""

from __future__ import annotations

import threading
from collections import deque

from agents.runner.logs.lines import RawLine

# Told at once, five times a second.
MAX_LINES = 200
MAX_CHARACTERS = 1024 * 1024
MAX_PAST_CHARACTERS = 4 * 1024 * 1024


class PastLines:
    """The newest lines of one container, as many as are wanted and memory allows; given in order of time."""

    def __init__(self, *, wanted: int) -> None:
        self._wanted = wanted
        self.lines: deque[RawLine] = deque()
        self._characters = 0
        self.cut = False

    def add(self, line: RawLine) -> None:
        self.lines.append(line)
        self._characters += len(line.text)
        while self._characters > MAX_PAST_CHARACTERS and len(self.lines) > 1:
            self.cut = True
            self._drop()
        while len(self.lines) > self._wanted:
            self._drop()

    def _drop(self) -> None:
        self._characters -= len(self.lines.popleft().text)


class LiveLines:
    """Never makes a writer wait: what there is no room for pushes out the oldest. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[RawLine] = deque()
        self._characters = 0
        self._left_out = 0

    def add(self, line: RawLine) -> None:
        with self._lock:
            self._lines.append(line)
            self._characters += len(line.text)
            while len(self._lines) > MAX_LINES or (self._characters > MAX_CHARACTERS and len(self._lines) > 1):
                self._characters -= len(self._lines.popleft().text)
                self._left_out += 1

    def take(self) -> tuple[list[RawLine], int]:
        """Return what came since the last time, by time, and how many lines before it were left out."""
        with self._lock:
            lines, left_out = list(self._lines), self._left_out
            self._lines.clear()
            self._characters = self._left_out = 0
        return sorted(lines, key=lambda line: line.at_ns), left_out
