"""The last lines of what an incident is about are asked for once, when it opens, and stay with it."""

from __future__ import annotations

import threading
import time as clocks
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from agents.contracts.version import LOGS_PROTOCOL
from agents.models import Agent
from agents.reports.log_lines import ContainerLine, LogBatch
from deployments import log_relay
from deployments.models import Incident, MemoryKill
from deployments.rules.incident_rules import DEGRADED_MS, MAX_LINES
from deployments.services.incidents import lines
from deployments.services.logs import reader
from deployments.services.queries import usage
from tests.deployments.lane import Lane
from tests.deployments.observation.test_recording import both, session, tell
from tests.deployments.observation.test_watch import Time, time

__all__ = ["session", "time"]

Answer = Callable[[LogBatch], None]


@pytest.fixture
def degraded(lane: Lane, session: UUID, time: Time) -> Incident:
    """Web has been missing for a minute."""
    Agent.objects.update(protocol=LOGS_PROTOCOL)
    web, db = both(lane)
    tell(lane, session, web, db)
    time.round()
    tell(lane, session, db)
    time.round()
    time.round(later_ms=DEGRADED_MS)
    # By the database's own clock, which stands still here.
    assert Incident.objects.filter(lines_due_at__isnull=False).update(lines_due_at=a_while_ago()) == 1
    return Incident.objects.get()


def a_while_ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def answer(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Has the agent answer the next request with this batch."""
    request_id = uuid4()
    monkeypatch.setattr(lines, "uuid4", lambda: request_id)

    def start(batch: LogBatch) -> None:
        def wait_and_push() -> None:
            deadline = clocks.monotonic() + 30
            while clocks.monotonic() < deadline:
                request = log_relay.find_request(request_id=request_id, agent_id=lane.agent.id)
                if request is not None:
                    assert request.services == ("web",)
                    log_relay.push(request_id=request_id, agent_id=lane.agent.id, batch=batch)
                    return
                clocks.sleep(0.02)

        threading.Thread(target=wait_and_push, daemon=True).start()

    return start


def line(number: int) -> ContainerLine:
    return ContainerLine(at_ns=number, service="web", container="s-web-1", text=f"line {number} " + "x" * 900)


def test_the_newest_lines_are_kept_and_bounded(degraded: Incident, answer: Answer, time: Time, lane: Lane) -> None:
    answer(LogBatch(lines=tuple(map(line, range(MAX_LINES + 7))), caught_up=True))
    assert lines.gather_next()
    degraded.refresh_from_db()
    assert len(degraded.log_tail) == MAX_LINES
    assert degraded.log_tail[-1].startswith(f"line {MAX_LINES + 6} ")
    assert max(map(len, degraded.log_tail)) == lines.MAX_LINE
    assert not lines.gather_next(), "it is asked for once"
    # What is learnt of it later takes none of them away.
    Incident.objects.update(message="other words")
    assert time.round(later_ms=1)
    degraded.refresh_from_db()
    assert len(degraded.log_tail) == MAX_LINES


def test_an_agent_that_does_not_answer_is_asked_again_and_then_no_more(
    degraded: Incident, lane: Lane, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(reader, "POP_SECONDS", 0.05)
    assert lines.gather_next()
    degraded.refresh_from_db()
    assert degraded.lines_due_at is not None
    assert not lines.gather_next(), "whoever asks now has a while for it"
    Incident.objects.update(lines_due_at=a_while_ago(), opened_at=time.now() - lines.PATIENCE * 2)
    assert lines.gather_next()
    degraded.refresh_from_db()
    assert Incident.objects.filter(lines_due_at=None, log_tail=[]).exists()


def test_an_agent_that_does_not_answer_keeps_no_process_from_ending(degraded: Incident, lane: Lane) -> None:
    began = clocks.monotonic()
    assert not lines.gather_next(stopped=lambda: clocks.monotonic() - began > 0.2)
    degraded.refresh_from_db()
    assert (degraded.log_tail, degraded.lines_due_at is None) == ([], False)


def test_a_kill_by_memory_is_marked_once_however_often_it_is_told(lane: Lane, session: UUID) -> None:
    Agent.objects.update(clock_skew_ms=600_000)
    web, db = both(lane)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    killed = replace(web, memory_kill_at_ms=now_ms + 600_000 - 60_000, restarts=1)
    tell(lane, session, killed, db)
    tell(lane, session, replace(killed, restarts=2), db)
    # After an agent's restart only the state of the container tells of it, by another reading of the moment.
    tell(lane, session, replace(killed, restarts=2, memory_kill_at_ms=killed.memory_kill_at_ms + 800), db)
    kill = MemoryKill.objects.get()
    assert (kill.container, kill.service) == ("s-web-1", "web")
    since = datetime.now(UTC) - timedelta(hours=1)
    marks = usage.project_marks(caller=lane.caller, project_id=lane.project_id, since=since)
    mark = next(mark for mark in marks if mark.deployment_id is None)
    assert abs(mark.at.timestamp() * 1000 - (now_ms - 60_000)) < 1000, "by our clock"
    assert mark.words == "s-web-1 was killed for lack of memory"
    there = usage.server_marks(caller=lane.caller, server_id=lane.target.id, since=since)
    assert [each.words for each in there if each.container] == [mark.words]
