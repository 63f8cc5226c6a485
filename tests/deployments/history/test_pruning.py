"""Tables do not grow for ever, and what anything needs is never taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from knox.models import AuthToken
from pytest_django.fixtures import Settings

from agents import gateway, isolation
from agents.models import CommandRecord, EnrolmentToken
from agents.repositories import commands
from deployments.event_types import EventType, NewEvent
from deployments.models import (
    CodeBundle,
    Deployment,
    DeploymentEvent,
    DeploymentHistory,
    GraphVersion,
    NodeCode,
    Project,
)
from deployments.repositories import bundles, events
from deployments.services.queries import lookups
from deployments.services.secrets import sealing
from deployments.services.upkeep import housekeeping, prune
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.history.aging import CANARY, age, now_is_the_time, released, tidy  # noqa: F401 - a fixture
from tests.deployments.lane import Lane
from tests.factories import NOW


def kinds(deployment_id: UUID) -> set[str]:
    return set(DeploymentEvent.objects.filter(deployment=deployment_id).values_list("type", flat=True))


@pytest.fixture
def three(lane: Lane) -> tuple[DeploymentRecord, ...]:
    """Releases of a project that keeps one: the first two were dropped from its history, the third runs."""
    Project.objects.filter(pk=lane.project_id).update(retention=1)
    return tuple(released(lane, f"web:{number}") for number in range(3))


def values(deployment_id: UUID) -> list[str]:
    row = Deployment.objects.get(pk=deployment_id)
    return [value for value in (row.sealed_variables, row.sealed_session, *row.env_vars.values()) if value]


def remains(deployment_id: UUID) -> tuple[bool, bool, bool, bool]:
    """Whether its values, its log lines, its files and its command are there."""
    log = EventType.LOG_WRITTEN in kinds(deployment_id)
    files = "files" in Deployment.objects.get(pk=deployment_id).config
    command = CommandRecord.objects.filter(deployment_id=deployment_id).exists()
    return bool(values(deployment_id)), log, files, command


ALL, NOTHING = (True,) * 4, (False,) * 4


def test_values_of_dropped_versions_are_forgotten_and_their_names_stay(
    lane: Lane, three: tuple[DeploymentRecord, ...]
) -> None:
    Deployment.objects.filter(pk=three[0].id).update(sealed_session="sealed")
    age(days=0.9)
    tidy(lane)
    assert all(values(each.id) for each in three)
    age(days=2)
    tidy(lane)
    assert [bool(values(each.id)) for each in three] == [False, False, True]
    assert factories.reload(three[0].id).env_names == ("API_KEY",)
    kept = DeploymentHistory.objects.get(dropped_at__isnull=True)
    assert sealing.unseal_env(sealed=kept.env_vars or {}, deployment_id=three[2].id) == {"API_KEY": CANARY}


def test_what_cannot_be_forgotten_takes_no_place_in_a_round(
    lane: Lane, three: tuple[DeploymentRecord, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = "housekeeping: values_wiped_at"
    monkeypatch.setattr(isolation, "_LOOPS", {loop: isolation.Isolation(loop=loop, clock=lambda: 0.0)})
    monkeypatch.setattr(prune, "MAX_DEPLOYMENTS", 1)
    age(days=2)
    bad, good, _ = three
    Deployment.objects.filter(pk=bad.id).update(env_vars=5, completed_at=datetime.now(UTC) - timedelta(days=3))
    for _ in range(2):
        housekeeping.tidy(at=lane.now())
    assert values(good.id) == []


def test_values_of_what_never_ran_are_forgotten_too(lane: Lane) -> None:
    released(lane, "web:1")
    lost = lane.ask(env_vars={"API_KEY": CANARY})
    Deployment.objects.filter(pk=lost.id).update(status="failed", reason="expired", completed_at=Now())
    age(days=2)
    tidy(lane)
    assert values(lost.id) == []


def test_log_lines_go_before_the_rest(lane: Lane, three: tuple[DeploymentRecord, ...]) -> None:
    age(days=31)
    tidy(lane)
    assert EventType.LOG_WRITTEN not in kinds(three[0].id)
    assert EventType.STATUS_CHANGED in kinds(three[0].id)
    assert EventType.LOG_WRITTEN in kinds(three[2].id)


def test_details_go_and_the_deployment_stays(lane: Lane, three: tuple[DeploymentRecord, ...]) -> None:
    last = CommandRecord.objects.order_by("-number").values_list("number", flat=True)[0]
    age(days=91)
    tidy(lane)
    assert [bool(kinds(each.id)) for each in three] == [False, False, True]
    old, running = Deployment.objects.get(pk=three[0].id), Deployment.objects.get(pk=three[2].id)
    assert "files" not in old.config
    assert "files" in running.config
    assert (old.status, old.message) == (three[0].status, three[0].message)
    assert set(CommandRecord.objects.values_list("deployment_id", flat=True)) == {three[2].id}
    assert commands.next_number(lane=three[2].lane) == last + 1
    assert lane.deployed().status == "success"


def test_nothing_goes_of_a_lanes_last_start(lane: Lane) -> None:
    """Also where it failed and no history keeps it."""
    released(lane, "web:1")
    working = lane.start(lane.ask(env_vars={"API_KEY": CANARY}))
    log = NewEvent(type=EventType.LOG_WRITTEN, payload={"text": "hello", "serviceName": "web", "source": "apply"})
    events.append(deployment_id=working.id, events=[log], at=NOW)
    lane.fail(working)
    age(days=91)
    tidy(lane)
    assert remains(working.id) == ALL


def test_nothing_goes_of_what_history_keeps(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=2)
    dropped, kept, running = (released(lane, f"web:{number}") for number in range(3))
    age(days=91)
    tidy(lane)
    assert [remains(each.id) for each in (dropped, kept, running)] == [NOTHING, ALL, ALL]


def test_nothing_goes_of_what_is_being_rolled_back(lane: Lane, three: tuple[DeploymentRecord, ...]) -> None:
    """It ended once, and may be again what it was."""
    Deployment.objects.filter(pk=three[0].id).update(status="rolling_back")
    age(days=91)
    tidy(lane)
    assert [remains(each.id) for each in three] == [ALL, NOTHING, ALL]


@pytest.mark.parametrize("mark", ["published_at", "streamed_at"])
def test_events_that_are_not_out_wait_for_it(
    lane: Lane, three: tuple[DeploymentRecord, ...], settings: Settings, mark: str
) -> None:
    """And what belongs to them: to the browsers, and to Kafka where there is one."""
    settings.KAFKA_BROKERS = ["127.0.0.1:9"]
    age(days=91)
    DeploymentEvent.objects.filter(deployment=three[0].id).update(**{mark: None})
    waiting = kinds(three[0].id)
    tidy(lane)
    assert kinds(three[0].id) == waiting
    assert remains(three[0].id) == (False, True, True, True)
    age(days=91)
    tidy(lane)
    assert remains(three[0].id) == NOTHING


def test_commands_that_are_open_or_a_lanes_last_are_not_forgotten(
    lane: Lane, three: tuple[DeploymentRecord, ...]
) -> None:
    CommandRecord.objects.filter(deployment_id=three[1].id).update(status="acknowledged")
    assert [gateway.forget_commands(deployment_id=each.id) for each in three] == [1, 0, 0]


@pytest.mark.parametrize("days", [31, 91])
def test_nothing_goes_of_what_works_waits_or_is_not_out(lane: Lane, days: int) -> None:
    working, waiting = lane.start(lane.ask(env_vars={"API_KEY": CANARY})), lane.ask(env_vars={"API_KEY": CANARY})
    failed = lane.fail(working)
    age(days=days)
    DeploymentEvent.objects.update(published_at=None)
    Deployment.objects.filter(pk=waiting.id).update(created_at=datetime.now(UTC) - timedelta(days=days))
    before = DeploymentEvent.objects.count()
    tidy(lane)
    assert DeploymentEvent.objects.count() == before
    assert values(failed.id)
    assert values(waiting.id)


def test_a_round_is_bounded(lane: Lane, three: tuple[DeploymentRecord, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "MAX_EVENTS", 1)
    age(days=91)
    housekeeping.tidy(at=lane.now())
    assert kinds(three[0].id)
    tidy(lane)
    assert not kinds(three[0].id)


def test_who_resumes_is_told_what_was_forgotten(lane: Lane, three: tuple[DeploymentRecord, ...]) -> None:
    last = factories.reload(three[0].id).last_sequence
    assert lookups.has_all_events(deployment_id=three[0].id, after=0, last=last)
    age(days=31)
    tidy(lane)
    assert not lookups.has_all_events(deployment_id=three[0].id, after=0, last=last)
    # The log line was the last event.
    assert [told(lane, three[0], after=after) for after in (0, last - 1)] == [False, True]
    age(days=91)
    tidy(lane)
    assert [told(lane, each, after=0) for each in three] == [True, True, False]


def told(lane: Lane, deployment: DeploymentRecord, *, after: int) -> bool:
    """Whether who reads the events above this one is told that some are gone."""
    page = lookups.events_page(caller=lane.caller, deployment_id=deployment.id, sequence=after, limit=500)
    return page.forgotten


def test_graphs_and_code_that_nothing_names_go(lane: Lane) -> None:
    kept = {"of a node", "of the running", "of a kept version"}
    for digest in (*kept, "of nothing"):
        bundles.store(digest=digest, content=b"tar")
    made = lane.deployed()
    # Each is named in one place alone.
    NodeCode.objects.create(project_id=lane.project_id, node_id="n", bundle_id="of a node")
    Deployment.objects.filter(pk=made.id).update(code={"n": "of the running"})
    entry = DeploymentHistory.objects.get(deployment=made.id)
    entry.deployment_snapshot["code"] = {"n": "of a kept version"}
    entry.save()
    for image in ("web:8", "web:9"):
        lane.store_graph(web=image)
    age(days=8)
    bundles.store(digest="of today", content=b"tar")
    for image in ("web:10", "web:11"):
        lane.store_graph(web=image)
    tidy(lane)
    assert set(CodeBundle.objects.values_list("pk", flat=True)) == {*kept, "of today"}
    # The one that was deployed, and those of today.
    assert list(GraphVersion.objects.order_by("version").values_list("version", flat=True)) == [1, 4, 5]


def test_what_admits_nobody_any_more_goes(lane: Lane) -> None:
    now = datetime.now(UTC)
    for name, end in (("over", now - timedelta(days=1)), ("good", now + timedelta(days=1))):
        Session.objects.create(session_key=name, session_data="", expire_date=end)
        token: Any = AuthToken.objects.create(lane.owner, expiry=timedelta(days=1))[0]
        AuthToken.objects.filter(pk=token.pk).update(expiry=end)
    for days in (91, 89):
        token_hash = uuid4().hex
        made = EnrolmentToken.objects.create(
            token_hash=token_hash, server_id=lane.server.id, owner=lane.owner, expires_at=now - timedelta(days=days)
        )
        assert made.pk
    tidy(lane)
    assert list(Session.objects.values_list("pk", flat=True)) == ["good"]
    assert AuthToken.objects.count() == 1
    assert EnrolmentToken.objects.count() == 1


def test_without_kafka_nothing_waits_for_it(lane: Lane, settings: Settings) -> None:
    lane.ask()
    settings.KAFKA_BROKERS = ["127.0.0.1:9"]
    tidy(lane)
    assert DeploymentEvent.objects.filter(streamed_at__isnull=True).exists()
    settings.KAFKA_BROKERS = []
    tidy(lane)
    assert not DeploymentEvent.objects.filter(streamed_at__isnull=True).exists()
