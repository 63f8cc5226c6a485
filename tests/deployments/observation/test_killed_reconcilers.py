"""Reconcilers as real processes: killed while a stack breaks and gets well, and still each incident is told once."""

from __future__ import annotations

from uuid import uuid4

import pytest

from agents.contracts.version import OBSERVING_PROTOCOL
from agents.models import Agent
from deployments.models import Incident, StackEvent, StackState
from tests.deployments.lane import Lane
from tests.deployments.observation.test_recording import both, tell
from tests.e2e.control_plane import wait_for
from tests.stream.conftest import Programs, programs
from tests.stream.test_outboxes import database_url

__all__ = ["programs"]
pytestmark = [pytest.mark.django_db(transaction=True)]


def start(programs: Programs) -> None:
    programs.start("manage.py", "reconcile", DATABASE_URL=database_url())


def test_incidents_are_told_once_whoever_is_killed(programs: Programs, lane: Lane) -> None:
    session_id = uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(session_id=session_id, protocol=OBSERVING_PROTOCOL)
    lane.store_graph(web="web:1", db="db:1")
    lane.deployed()
    for _ in range(2):
        start(programs)
    tell(lane, session_id, *both(lane))
    running = StackState.objects.filter(condition="running")
    wait_for(running.exists, seconds=60, what="the first state", details=programs.tails)
    for child in programs.started:
        child.kill()
    tell(lane, session_id)
    for _ in range(2):
        start(programs)
    wait_for(Incident.objects.exists, seconds=60, what="the incident", details=programs.tails)
    programs.started[-1].kill()
    tell(lane, session_id, *both(lane))
    over = Incident.objects.filter(closed_at__isnull=False)
    wait_for(over.exists, seconds=60, what="its end", details=programs.tails)
    said = StackEvent.objects.order_by("sequence").values_list("type", flat=True)
    assert [each for each in said if "incident" in each] == ["stack.incident_opened", "stack.incident_closed"]
    assert Incident.objects.count() == 1
