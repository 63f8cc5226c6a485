"""A reader gets the past of all servers by time and then what comes, and is told whatever is missing."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection

from agents.contracts.version import LOGS_PROTOCOL
from agents.models import Agent
from agents.reports.log_lines import ContainerLine, LogBatch, LogReader, LogRequest
from deployments import log_relay
from deployments.data.log_types import LogPart, LogQuery, LogSource, OpenedLogs
from deployments.errors import Invalid, NotFound, PeerFailed
from deployments.services.logs import open as opening
from deployments.services.logs import reader
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.deployments.lane import Lane

ONE, TWO = uuid4(), uuid4()


@pytest.fixture
def opened() -> OpenedLogs:
    """A request to two agents that follow."""
    return open_for(ONE, TWO)


def open_for(*agents: UUID, **query: Any) -> OpenedLogs:
    fields: dict[str, Any] = {"request_id": uuid4(), "project_id": uuid4(), "lane": "", "follow": True, **query}
    sources = tuple(
        LogSource(server_id=uuid4(), server_name=f"s{place}", agent_id=agent, lane=f"lane-{place}")
        for place, agent in enumerate(agents)
    )
    request = LogRequest(**fields)
    log_relay.open_request(request=request, sources=sources)
    return OpenedLogs(request=request, sources=sources)


def line(at_ns: int, text: str = "") -> ContainerLine:
    return ContainerLine(at_ns=at_ns, service="web", container="c", text=text or f"line {at_ns}")


def push(opened: OpenedLogs, agent: UUID, **batch: Any) -> LogReader:
    return log_relay.push(request_id=opened.request.request_id, agent_id=agent, batch=LogBatch(**batch))


async def parts_of(opened: OpenedLogs, count: int) -> list[LogPart]:
    found = []
    async with contextlib.aclosing(reader.read(opened)) as parts:
        async for part in parts:
            found.append(part)
            if len(found) == count:
                break
    return found


async def test_the_past_of_two_servers_is_one_by_time(opened: OpenedLogs) -> None:
    push(opened, ONE, lines=(line(1), line(4)), caught_up=True)
    push(opened, TWO, lines=(line(2), line(3)), remarks=("one is missing",), caught_up=True)
    async with contextlib.aclosing(reader.read(opened)) as parts:
        past = await anext(parts)
        push(opened, ONE, lines=(line(6),), left_out=7)
        push(opened, TWO, lines=(line(5),))
        new = await anext(parts)
    assert [each.at_ns for each in past.lines] == [1, 2, 3, 4]
    assert [each.server for each in past.lines] == ["s0", "s1", "s1", "s0"]
    assert (past.caught_up, past.remarks) == (True, ("s1: one is missing",))
    assert ([each.at_ns for each in new.lines], new.left_out) == ([5, 6], 7)
    # The reader has gone, and whoever hands on hears so.
    assert push(opened, ONE) is LogReader.HAS_GONE


async def test_no_more_than_was_asked_for(opened: OpenedLogs) -> None:
    few = open_for(ONE, tail=2)
    push(few, ONE, lines=tuple(map(line, range(1, 9))), caught_up=True)
    (past,) = await parts_of(few, 1)
    assert [each.at_ns for each in past.lines] == [7, 8]


async def test_who_does_not_answer_is_named(opened: OpenedLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(reader, "POP_SECONDS", 0.1)
    push(opened, TWO, lines=(line(1),), caught_up=True)
    (past,) = await parts_of(opened, 1)
    assert past.remarks == ("s0: its agent did not answer within 0.3 s.",)
    assert len(past.lines) == 1


async def test_an_agent_that_falls_silent_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(reader, "POP_SECONDS", 0.1)
    one = open_for(ONE)
    push(one, ONE, caught_up=True)
    async with asyncio.timeout(5):
        past, last = await parts_of(one, 3)
    assert past.remarks == ()
    assert last.remarks == ("s0: its agent is not heard any more.",)


async def test_a_request_that_redis_lost_is_an_error(opened: OpenedLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RENEW_SECONDS", 0.0)
    log_relay._redis(settings.REDIS_URL).delete(log_relay._key(opened.request.request_id))
    with pytest.raises(PeerFailed):
        await parts_of(opened, 1)


def test_an_agent_hands_on_only_what_it_was_asked_for(opened: OpenedLogs) -> None:
    assert push(opened, uuid4(), lines=(line(1),)) is LogReader.HAS_GONE
    assert log_relay.find_request(request_id=opened.request.request_id, agent_id=uuid4()) is None
    found = log_relay.find_request(request_id=opened.request.request_id, agent_id=TWO)
    assert found is not None
    assert (found.lane, found.follow) == ("lane-1", True)


def test_who_is_behind_is_waited_for(opened: OpenedLogs) -> None:
    told = [push(opened, ONE, lines=(line(1),)) for _ in range(log_relay.MAX_WAITING + 1)]
    assert told == [LogReader.READS] * log_relay.MAX_WAITING + [LogReader.IS_BEHIND]


# Opening


@pytest.fixture
def running(lane: Lane) -> Lane:
    Agent.objects.filter(pk=lane.agent.id).update(protocol=LOGS_PROTOCOL, last_seen_at=datetime.now(UTC))
    lane.store_graph(web="web:1")
    lane.deployed()
    return lane


def opened_of(lane: Lane, **query: Any) -> OpenedLogs:
    return opening.open_logs(
        caller=lane.caller, query=LogQuery(project_id=lane.project_id, **query), request_id=uuid4()
    )


def test_agents_that_are_there_are_asked(running: Lane) -> None:
    opened = opened_of(running)
    assert [source.agent_id for source in opened.sources] == [running.agent.id]
    assert opened.remarks == ()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"protocol": LOGS_PROTOCOL - 1}, "too old"),
        ({"last_seen_at": datetime(2020, 1, 2, tzinfo=UTC)}, "silent since 2020-01-02"),
        ({"revoked_at": datetime(2020, 1, 2, tzinfo=UTC)}, "no agent is enrolled"),
    ],
)
def test_an_agent_that_cannot_be_asked_is_named_with_the_reason(
    running: Lane, facts: dict[str, Any], words: str
) -> None:
    Agent.objects.filter(pk=running.agent.id).update(**facts)
    opened = opened_of(running)
    assert opened.sources == ()
    assert words in opened.remarks[0]
    part = async_to_sync(reader.read_past)(opened)
    assert (part.caught_up, part.remarks) == (True, opened.remarks)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"tail": 5001}, "tail"),
        ({"tail": -1}, "tail"),
        ({"search": "x" * 201}, "search"),
        ({"services": ("x",) * 51}, "service"),
        ({"since_ms": 2, "until_ms": 1}, "until"),
        ({"until_ms": 1, "follow": True}, "until"),
    ],
)
def test_a_query_out_of_bounds_names_its_field(running: Lane, query: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        opened_of(running, **query)
    assert list(wrong.value.details) == [field]


def test_a_stranger_and_a_server_of_others_are_not_there(running: Lane) -> None:
    stranger = caller_of(factories.make_user("mallory"))
    with pytest.raises(NotFound):
        opening.open_logs(caller=stranger, query=LogQuery(project_id=running.project_id), request_id=uuid4())
    with pytest.raises(NotFound):
        opened_of(running, server_id=uuid4())
    assert connection.in_atomic_block  # nothing was stored besides
