"""What a person does on the way to an end, counted; the figures stand at the end of the tests' output."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from playwright.sync_api import Locator

# The name under which a test's report carries a line for the summary.
TASK = "task"


@dataclass
class Task:
    """Counts what a person does. Typing is no click; reading and thinking take no time here."""

    name: str
    told: list[tuple[str, object]]
    clicks: int = 0
    began: float = field(default_factory=time.monotonic)

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.click()

    def so_far(self, what: str, *, clicks: int) -> None:
        """Tell what was reached, and hold it against the most clicks that it may take."""
        self.told.append((TASK, f"{self.name}: {what} after {self.clicks} clicks, {self._took():.1f} s"))
        assert self.clicks <= clicks

    def done(self, *, clicks: int, seconds: float) -> None:
        self.so_far("done", clicks=clicks)
        assert self._took() <= seconds

    def _took(self) -> float:
        return time.monotonic() - self.began
