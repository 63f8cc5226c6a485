"""What was changed on a server and lasts is an incident, unless somebody left it so or it is told of otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from deployments.models import Incident, StackDrift
from deployments.repositories import clock
from deployments.rules.incident_rules import DIFFERENT_MS, QUIET_MS
from deployments.services.incidents.watch import StackWatch
from tests.deployments.drift.stage import Stage

LASTED = DIFFERENT_MS // 1000 + 1


def judge(stage: Stage) -> list[tuple[str, bool]]:
    StackWatch().judge_projects(project_ids=[stage.lane.project_id], at=timezone.now())
    return [(each.cause, each.closed_at is None) for each in Incident.objects.order_by("opened_at")]


def pass_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC) + timedelta(milliseconds=QUIET_MS)
    monkeypatch.setattr(clock, "now", lambda: now)


def test_a_change_that_lasts_is_told_until_it_is_gone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.set_env("web")
    assert judge(stage) == [], "it may be repaired in a moment"
    stage.age(LASTED)
    assert judge(stage) == [("drift", True)]
    incident = Incident.objects.get()
    assert (incident.services, incident.severity) == (["web"], "warning")
    assert incident.message.startswith("web: environment")
    stage.put_back("web")
    judge(stage)
    pass_time(monkeypatch)
    assert judge(stage) == [("drift", False)]


def test_what_somebody_left_is_nobodys_incident(stage: Stage) -> None:
    stage.set_env("web")
    stage.age(LASTED)
    row = StackDrift.objects.get()
    row.differences = [{**each, "left_by": "alice"} for each in row.differences]
    row.save()
    assert judge(stage) == []


def test_repairs_that_do_not_last_are_told_though_nothing_differs_now(stage: Stage) -> None:
    stopped = timezone.now() - timedelta(seconds=LASTED)
    StackDrift.objects.update(repairs_stopped_at=stopped, repairs_message="Automatic repair has stopped.")
    assert judge(stage) == [("drift", True)]
    assert Incident.objects.get().message == "Automatic repair has stopped."


def test_what_is_missing_is_no_second_incident(stage: Stage) -> None:
    stage.remove("web")
    stage.age(LASTED)
    assert judge(stage) == [], "degraded is told after a minute"
