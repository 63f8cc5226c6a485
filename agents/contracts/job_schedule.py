"""When a job on a schedule is due: five fields of cron in a time zone. Pure.

Changes of clocks are as Debian's cron has them. Forward: a job of a fixed time within the hour that is left out runs
once, right after it; one whose minute or hour is `*` goes by the clock on the wall. Back: a job of a fixed time runs in
the first of the two hours alone; one whose minute or hour is `*` runs in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`time_zone` by its name."""

    cron: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMoments:
    """How often it was due within a while, the first and the last; `more`: it was due more often than was counted."""

    count: int
    first: datetime
    last: datetime
    more: bool = False


def is_schedule(schedule: Schedule) -> bool:
    """Tell whether it can be read, and comes true at all."""
    if len(schedule.cron.split()) != FIELDS:
        return False
    try:
        return next_moment(schedule, after=datetime(2024, 1, 1, tzinfo=UTC)) is not None
    except (CronSimError, ValueError, KeyError, OSError):
        return False


def next_moment(schedule: Schedule, *, after: datetime) -> datetime | None:
    """Return the first moment after this one; None where none comes."""
    return next(_moments(schedule, after=after), None)


def due_moments(schedule: Schedule, *, after: datetime, until: datetime, limit: int) -> DueMoments | None:
    """Return when it was due after the one moment, up to and with the other; None for never.

    Of more than `limit` the first ones are counted, and the last is found from the end.
    """
    first = last = None
    count = 0
    for moment in _moments(schedule, after=after):
        if moment > until:
            break
        count += 1
        first, last = first or moment, moment
        if count >= limit:
            last = _last_until(schedule, until=until)
            return DueMoments(count=count, first=first, last=max(last or moment, moment), more=True)
    if first is None or last is None:
        return None
    return DueMoments(count=count, first=first, last=last)


def _last_until(schedule: Schedule, *, until: datetime) -> datetime | None:
    # Backwards it begins before the moment given, so from a minute later: due moments are whole minutes.
    beyond = datetime.fromtimestamp(until.timestamp() + 60, tz=until.tzinfo)
    backwards = CronSim(schedule.cron, beyond.astimezone(ZoneInfo(schedule.time_zone)), reverse=True)
    for moment in backwards:
        if moment <= until:
            return moment.astimezone(UTC)
    return None


def _moments(schedule: Schedule, *, after: datetime) -> Iterator[datetime]:
    """Yield moments in UTC, each later than the one before, also where clocks are put back."""
    known = after
    for moment in CronSim(schedule.cron, after.astimezone(ZoneInfo(schedule.time_zone))):
        in_utc = moment.astimezone(UTC)
        if in_utc > known:
            known = in_utc
            yield in_utc
