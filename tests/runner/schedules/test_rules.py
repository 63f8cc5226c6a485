"""What is due: schedules, clocks that are put forward and back, lateness, and what runs already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agents.contracts.job_schedule import Schedule, due_moments, is_schedule, next_moment
from agents.runner.schedules.rules import MAX_AT_ONCE, MAX_COUNTED, MAX_LATE_SECONDS, Turn, due_since, ms_of, turn_of

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
EACH_MINUTE = Schedule(cron="* * * * *", time_zone="UTC")


def in_berlin(cron: str, since: datetime, hours: int) -> list[str]:
    schedule, found, at = Schedule(cron=cron, time_zone="Europe/Berlin"), [], since
    while (moment := next_moment(schedule, after=at)) is not None and moment <= since + timedelta(hours=hours):
        found.append(moment.strftime("%d %H:%M"))
        at = moment
    return found


def test_where_clocks_are_put_forward_a_job_of_the_hour_left_out_runs_once_after_it() -> None:
    # On 29 March 2026 at 01:00 UTC it is 03:00 in Berlin, after 01:59.
    since = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert in_berlin("30 2 * * *", since, 40) == ["29 01:00", "30 00:30"]
    assert in_berlin("30 * * * *", datetime(2026, 3, 29, 0, 45, tzinfo=UTC), 2) == ["29 01:30", "29 02:30"]


def test_where_clocks_are_put_back_a_job_of_a_fixed_time_runs_once_and_one_of_each_hour_twice() -> None:
    # On 25 October 2026 at 01:00 UTC it is 02:00 in Berlin once more.
    assert in_berlin("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), 40) == ["25 00:30", "26 01:30"]
    each_hour = in_berlin("30 * * * *", datetime(2026, 10, 24, 23, 45, tzinfo=UTC), 3)
    assert each_hour == ["25 00:30", "25 01:30", "25 02:30"]


@pytest.mark.parametrize(
    ("cron", "zone", "good"),
    [
        ("*/5 * * * *", "UTC", True),
        ("0 3 L * *", "Europe/Berlin", True),
        ("0 0 30 2 *", "UTC", False),
        ("* * * * * *", "UTC", False),
        ("61 * * * *", "UTC", False),
        ("", "UTC", False),
        ("* * * * *", "Mars/Olympus", False),
        ("* * * * *", "../../etc/passwd", False),
    ],
)
def test_what_cannot_be_read_or_never_comes_is_no_schedule(cron: str, zone: str, *, good: bool) -> None:
    assert is_schedule(Schedule(cron=cron, time_zone=zone)) is good


def test_only_the_newest_moment_may_run_and_only_for_so_long() -> None:
    due = due_since(EACH_MINUTE, followed_ms=ms_of(NOON), now_ms=ms_of(NOON) + 59_999)
    assert (due.missed, due.run) == (None, None)
    due = due_since(EACH_MINUTE, followed_ms=ms_of(NOON), now_ms=ms_of(NOON) + 60_000)
    assert (due.missed, due.run) == (None, NOON + timedelta(minutes=1))
    due = due_since(EACH_MINUTE, followed_ms=ms_of(NOON), now_ms=ms_of(NOON) + 3 * 60_000)
    assert due.run == NOON + timedelta(minutes=3)
    assert due.missed is not None
    assert (due.missed.count, due.missed.last) == (2, NOON + timedelta(minutes=2))
    hourly = Schedule(cron="0 * * * *", time_zone="UTC")
    late_ms = ms_of(NOON + timedelta(hours=1)) + MAX_LATE_SECONDS * 1000
    assert due_since(hourly, followed_ms=ms_of(NOON), now_ms=late_ms).run == NOON + timedelta(hours=1)
    due = due_since(hourly, followed_ms=ms_of(NOON), now_ms=late_ms + 1)
    assert due.run is None
    assert due.missed is not None
    assert due.missed.count == 1


def test_a_clock_that_is_put_back_runs_nothing_again_and_a_long_silence_is_counted_within_bounds() -> None:
    due = due_since(EACH_MINUTE, followed_ms=ms_of(NOON), now_ms=ms_of(NOON - timedelta(hours=3)))
    assert (due.missed, due.run) == (None, None)
    year = NOON + timedelta(days=365, minutes=30)
    missed = due_moments(EACH_MINUTE, after=NOON, until=year, limit=MAX_COUNTED)
    assert missed is not None
    assert (missed.count, missed.more, missed.last) == (MAX_COUNTED, True, year)


@pytest.mark.parametrize(
    ("overlap", "running", "by_hand", "turn"),
    [
        ("forbid", 0, False, Turn.RUN),
        ("forbid", 1, False, Turn.SKIP),
        ("forbid", 0, True, Turn.SKIP),
        ("replace", 1, False, Turn.END_OTHERS),
        ("replace", 1, True, Turn.SKIP),
        ("allow", 3, True, Turn.RUN),
        ("allow", MAX_AT_ONCE, False, Turn.SKIP),
        ("unknown to us", 1, False, Turn.SKIP),
    ],
)
def test_what_runs_already_decides(overlap: str, running: int, turn: Turn, *, by_hand: bool) -> None:
    assert turn_of(overlap, running=[str(number) for number in range(running)], by_hand=by_hand) is turn
