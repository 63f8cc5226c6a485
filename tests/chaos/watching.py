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
    _since: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """Take one look; none while the database is away."""
        try:
            rows = self.plane.sql("SELECT id, status, reason, cancel_requested_at IS NOT NULL FROM deployments")
        except psycopg.OperationalError:
            return
        for deployment, status, reason, cancelled in rows:
            self._judge(str(deployment), status, reason, cancelled=cancelled)

    def _judge(self, deployment: str, status: str, reason: str, *, cancelled: bool) -> None:
        before = self._status.get(deployment, "")
        if status == before:
            return
        now = self.clock()
        if (before, status) in IMPOSSIBLE:
            self.broken.append(f"{deployment} went from {before} to {status}")
        worked = now - self._since.get(deployment, now)
        least = float(SETTINGS["AXION_DEPLOY_DEADLINE"]) - SLACK_SECONDS
        expired = status == Status.FAILED and reason == Reason.EXPIRED and not cancelled
        if before == Status.IN_PROGRESS and expired and worked < least:
            self.broken.append(f"{deployment} expired after {worked:.0f} s of {least + SLACK_SECONDS:.0f}")
        self._status[deployment] = status
        self._since[deployment] = now
