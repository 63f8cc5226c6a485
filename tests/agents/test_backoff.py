"""Pauses between attempts: they double, stop at their bound, and never fail however long an outage lasts."""

from __future__ import annotations

import pytest

from agents.backoff import Backoff
from agents.runner.session import RECONNECT

BACKOFF = Backoff(first=0.5, most=10.0)


def test_pauses_double_up_to_the_bound() -> None:
    assert [BACKOFF.ceiling(failures=count) for count in range(1, 8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.parametrize("failures", [0, 1, 6, 1_023, 1_024, 10_000, 10**9])
def test_any_number_of_failures_gives_a_pause_within_the_bound(failures: int) -> None:
    ceiling = BACKOFF.ceiling(failures=failures)
    assert 0.5 <= ceiling <= 10.0
    assert all(ceiling / 2 <= BACKOFF.pause(failures=failures) <= ceiling for _ in range(100))


def test_those_who_failed_together_do_not_come_back_together() -> None:
    assert len({round(BACKOFF.pause(failures=5), 3) for _ in range(100)}) > 50


def test_an_agent_dials_again_within_ten_seconds_however_long_nobody_answered() -> None:
    assert RECONNECT.ceiling(failures=10_000) == 10.0
