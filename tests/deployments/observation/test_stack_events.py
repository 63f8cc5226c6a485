"""What happened to a stack can be read on from any number, and who asks for what is gone is told so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from deployments.models import Incident, StackEvent, User
from deployments.services.upkeep import prune
from tests.deployments.lane import Lane
from tests.deployments.observation.test_recording import both, session, tell
from tests.deployments.observation.test_watch import Time, time
from tests.factories import NOW

__all__ = ["session", "time"]


class Reader:
    """Reads on over REST, as its owner."""

    def __init__(self, lane: Lane) -> None:
        owner = User.objects.get(pk=lane.caller.user_id)
        self.client = APIClient()
        self.client.force_authenticate(owner)
        self.address = f"/api/projects/{lane.project_id}/lanes/{lane.target.id}/events"

    def read(self, **query: int) -> dict[str, Any]:
        answer = self.client.get(self.address, query)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())


def broken_and_well(lane: Lane, session: UUID, time: Time, *, times: int) -> None:
    for _ in range(times):
        for containers in (both(lane), both(lane)[1:]):
            tell(lane, session, *containers)
            time.round()


def test_a_client_reads_on_where_it_stopped(lane: Lane, session: UUID, time: Time) -> None:
    broken_and_well(lane, session, time, times=2)
    reader = Reader(lane)
    first = reader.read(limit=3)
    assert [each["sequence"] for each in first["events"]] == [1, 2, 3]
    assert (first["next"], first["forgotten"], first["seen"]["state"]) == (3, False, "degraded")
    rest = reader.read(after=first["next"])
    assert [(each["type"], each["payload"]["to"]) for each in rest["events"]] == [("stack.state_changed", "degraded")]
    assert (rest["next"], rest["forgotten"]) == (0, False)
    assert reader.read(after=4) == {**rest, "events": []}


def test_what_is_gone_is_said_and_how_it_is_now_comes_along(
    lane: Lane, session: UUID, time: Time, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AXION_KEEP_DETAILS_NUMBER = 2
    monkeypatch.setattr(prune, "_rows_sweep", prune.RowsSweep())
    sweep = prune.parts()["rows beyond their number"]
    broken_and_well(lane, session, time, times=3)
    assert sweep() == 0, "what is not out to Kafka stays"
    StackEvent.objects.update(streamed_at=NOW)
    monkeypatch.setattr(prune, "_rows_sweep", prune.RowsSweep())
    assert prune.parts()["rows beyond their number"]() == 4
    kept = Reader(lane).read(after=1)
    assert [each["sequence"] for each in kept["events"]] == [5, 6]
    assert (kept["forgotten"], kept["seen"]["state"]) == (True, "degraded")
    assert Reader(lane).read(after=4)["forgotten"] is False


def test_an_open_incident_stays_beyond_any_number(
    lane: Lane, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AXION_KEEP_DETAILS_NUMBER = 1
    monkeypatch.setattr(prune, "_rows_sweep", prune.RowsSweep())
    for number, closed in enumerate((NOW, None, NOW, NOW)):
        Incident.objects.create(
            project_id=lane.project_id, server_id=lane.target.id, cause=f"c{number}", severity="warning", message="",
            since_ms=0, opened_at=NOW.replace(minute=number), updated_at=NOW, closed_at=closed,
        )  # fmt: skip
    assert prune.parts()["rows beyond their number"]() == 2
    assert set(Incident.objects.values_list("cause", flat=True)) == {"c1", "c3"}


def test_where_there_never_was_a_stack_there_is_nothing(lane: Lane) -> None:
    reader = Reader(lane)
    nowhere = reader.address.replace(str(lane.target.id), str(lane.project_id))
    assert reader.client.get(nowhere).status_code == 404
