"""Which channels are told of what, and when: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from deployments.data.incident_types import Cause, Severity
from deployments.data.notification_types import ChannelRules
from deployments.rules import notification_rules
from deployments.rules.notification_rules import due_at, reminder_due, title_of, wants

PROJECT = uuid4()
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({}, True),
        ({"causes": frozenset({"gone"})}, True),
        ({"causes": frozenset({"drift"})}, False),
        ({"project_ids": frozenset({PROJECT})}, True),
        ({"project_ids": frozenset({uuid4()})}, False),
        ({"least_severity": Severity.CRITICAL}, False),
    ],
)
def test_rules_narrow_by_project_cause_and_severity(rules: dict[str, Any], told: bool) -> None:
    assert wants(ChannelRules(**rules), project_id=PROJECT, cause="gone", severity="warning") is told


def test_who_wants_critical_ones_gets_those() -> None:
    rules = ChannelRules(least_severity=Severity.CRITICAL)
    assert wants(rules, project_id=PROJECT, cause="gone", severity="critical")


def quiet(start: int, end: int, **more: Any) -> ChannelRules:
    return ChannelRules(quiet_from=start * 60, quiet_to=end * 60, critical_always=False, **more)


@pytest.mark.parametrize(
    ("rules", "now", "due"),
    [
        (quiet(22, 7), NOON, NOON),
        (quiet(22, 7), NOON.replace(hour=23), NOON.replace(day=29, hour=7)),
        (quiet(22, 7), NOON.replace(hour=6, minute=59), NOON.replace(hour=7)),
        (quiet(22, 7), NOON.replace(hour=7), NOON.replace(hour=7)),
        (quiet(11, 13), NOON, NOON.replace(hour=13)),
        (quiet(13, 14), NOON, NOON),
        # 23:30 in New York, where the summer time ends that night: seven hours and a half later it is 6 there.
        (
            quiet(22, 6, time_zone="America/New_York"),
            datetime(2026, 11, 1, 3, 30, tzinfo=UTC),
            datetime(2026, 11, 1, 11, 0, tzinfo=UTC),
        ),
    ],
)
def test_quiet_hours_hold_a_message_until_their_end(rules: ChannelRules, now: datetime, due: datetime) -> None:
    assert due_at(rules, severity="critical", now=now) == due


def test_critical_ones_do_not_wait_unless_asked_to() -> None:
    rules = ChannelRules(quiet_from=0, quiet_to=23 * 60)
    assert due_at(rules, severity="critical", now=NOON) == NOON
    assert due_at(rules, severity="warning", now=NOON) == NOON.replace(hour=23)


def test_a_reminder_is_due_after_its_time_and_never_without_one() -> None:
    rules = ChannelRules(reminder_minutes=30)
    assert reminder_due(rules, told_at=NOON, now=NOON + timedelta(minutes=30))
    assert not reminder_due(rules, told_at=NOON, now=NOON + timedelta(minutes=29))
    assert not reminder_due(ChannelRules(), told_at=NOON, now=NOON + timedelta(days=9))


def test_every_cause_has_words_and_a_title_is_one_line() -> None:
    assert set(notification_rules.WORDS) == set(Cause)
    data = {"cause": "gone", "projectName": "a\nb" * 200, "serverName": "s"}
    title = title_of({"type": "incident.closed", "data": data})
    assert title.startswith("Over: Containers are missing: a b")
    assert len(title) <= notification_rules.MAX_TITLE
