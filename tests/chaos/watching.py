"""Looks at all deployments the whole time, by a clock that nothing falsifies."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from deployments.states import Reason, Status
from tests.chaos.installation import SETTINGS, Installation

# By the table of states, and what may pass between two looks.
IMPOSSIBLE = {
    (Status.IN_PROGRESS, Status.PENDING),
    (Status.ROLLED_BACK, Status.PENDING),
    (Status.ROLLED_BACK, Status.IN_PROGRESS),
    (Status.ROLLED_BACK, Status.SUCCESS),
    (Status.SUCCESS, Status.PENDING),
    (Status.SUCCESS, Status.IN_PROGRESS),
    (Status.FAILED, Status.PENDING),
    (Status.FAILED, Status.IN_PROGRESS),
}
# Between a change and our next look.
SLACK_SECONDS = 5.0


@dataclass
class Watcher:
    """`broken` holds a sentence for each thing that was seen and must not be."""

    plane: Installation
    broken: list[str] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    _status: dict[str, str] = field(default_factory=dict)
    # Each one's last change came after this: when it was last seen as it had been before, or not at all.
    _unchanged_at: dict[str, float] = field(default_factory=dict)
    _looked_at: float = float("-inf")

    def look(self) -> None:
        """Take one look; none while the database is away."""
        began_at = self.clock()
        try:
            rows = self.plane.sql("SELECT id, status, reason, cancel_requested_at IS NOT NULL FROM deployments")
        except psycopg.OperationalError:
            return
        for deployment, status, reason, cancelled in rows:
            self._judge(str(deployment), status, reason, cancelled=cancelled)
        self._looked_at = began_at

    def _judge(self, deployment: str, status: str, reason: str, *, cancelled: bool) -> None:
        before = self._status.get(deployment, "")
        if status == before:
            return
        if (before, status) in IMPOSSIBLE:
            self.broken.append(f"{deployment} went from {before} to {status}")
        # At most: while the database was away, or the storm waited for an answer, nobody looked.
        worked = self.clock() - self._unchanged_at.get(deployment, float("-inf"))
        least = float(SETTINGS["AXION_DEPLOY_DEADLINE"]) - SLACK_SECONDS
        expired = status == Status.FAILED and reason == Reason.EXPIRED and not cancelled
        if before == Status.IN_PROGRESS and expired and worked < least:
            self.broken.append(f"{deployment} expired after {worked:.0f} s of {least + SLACK_SECONDS:.0f}")
        self._status[deployment] = status
        self._unchanged_at[deployment] = self._looked_at
