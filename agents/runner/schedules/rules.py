"""What a schedule asks for now, of what was due since it was last followed. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from agents.contracts.job_schedule import DueMoments, Schedule, due_moments

# A run that could not begin so soon after its time is missed: it is told, and does not run.
MAX_LATE_SECONDS = 300
# Beyond that it is told that there were more.
MAX_COUNTED = 1000
# Runs of one job side by side, where its overlap allows that.
MAX_AT_ONCE = 10


class Overlap(StrEnum):
    """What happens when a run is due and the one before has not ended."""

    FORBID = "forbid"
    REPLACE = "replace"
    ALLOW = "allow"


class Turn(StrEnum):
    """What is to be done with the run that is due."""

    RUN = "run"
    END_OTHERS = "end_others"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What was due since the schedule was last followed. `run`: the moment whose run may still begin."""

    missed: DueMoments | None
    run: datetime | None


def due_since(schedule: Schedule, *, followed_ms: int, now_ms: int) -> Due:
    """Return what is due. Only the newest moment may still run, and only MAX_LATE_SECONDS; those before are missed."""
    after, until = _moment(followed_ms), _moment(now_ms)
    if until <= after:
        # The clock was put back: what has run does not run again.
        return Due(missed=None, run=None)
    due = due_moments(schedule, after=after, until=until, limit=MAX_COUNTED)
    if due is None:
        return Due(missed=None, run=None)
    if (until - due.last).total_seconds() > MAX_LATE_SECONDS:
        return Due(missed=due, run=None)
    if due.count == 1:
        return Due(missed=None, run=due.last)
    before = due_moments(schedule, after=after, until=_moment(ms_of(due.last) - 1), limit=MAX_COUNTED)
    return Due(missed=before, run=due.last)


def turn_of(overlap: str, *, running: Collection[str], by_hand: bool) -> Turn:
    """Return what becomes of a run that is due while these runs of the job have not ended; `by_hand`: and one more."""
    if overlap == Overlap.ALLOW:
        return Turn.SKIP if len(running) >= MAX_AT_ONCE else Turn.RUN
    if by_hand:
        # Somebody asked for it: a schedule does not end it.
        return Turn.SKIP
    if not running:
        return Turn.RUN
    return Turn.END_OTHERS if overlap == Overlap.REPLACE else Turn.SKIP


def ms_of(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC)
