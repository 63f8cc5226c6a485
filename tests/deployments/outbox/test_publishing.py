"""The outbox: in order, at least once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from agents.models import Server
from deployments import outbox_relay
from deployments.event_types import EventType, NewEvent
from deployments.models import Project
from deployments.outbox_relay import Outbox
from deployments.repositories import events
from deployments.repositories.events import EventQueue, Mark
from deployments.types import EventRecord
from tests import factories
from tests.factories import NOW

NOBODY_ELSES = 7_299_001


def write(project: Project, server: Server, count: int) -> None:
    deployment = factories.make_deployment(project, server)
    for number in range(count):
        new = NewEvent(type=EventType.LOG_WRITTEN, payload={"text": str(number)})
        events.append(deployment_id=deployment.id, events=[new], at=NOW)


def outbox(send: Callable[[Sequence[EventRecord]], None], *, mark: Mark = Mark.KAFKA) -> Outbox[EventRecord]:
    return Outbox(name=mark, lock=1, queue=EventQueue(mark), send=send, trouble=(ConnectionError,))


def broken(_: Sequence[EventRecord]) -> None:
    raise ConnectionError


@pytest.mark.parametrize("mark", Mark)
def test_events_go_out_in_order_and_once(project: Project, server: Server, mark: Mark) -> None:
    write(project, server, 5)
    out: list[EventRecord] = []
    assert outbox_relay.publish_batch(outbox=outbox(out.extend, mark=mark), at=NOW) == 5
    assert outbox_relay.publish_batch(outbox=outbox(out.extend, mark=mark), at=NOW) == 0
    assert [event.sequence for event in out] == [1, 2, 3, 4, 5]


def test_one_publishes_to_an_outbox_until_its_connection_ends(db: None) -> None:
    """Two at once would send a deployment's events in any order."""
    contested, another = replace(outbox(broken), lock=NOBODY_ELSES), replace(outbox(broken), lock=NOBODY_ELSES + 1)

    def elsewhere(wanted: Outbox[EventRecord]) -> bool:
        try:
            return outbox_relay.become_publisher(outbox=wanted)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        assert outbox_relay.become_publisher(outbox=contested)
        assert outbox_relay.become_publisher(outbox=contested)
        assert not other.submit(elsewhere, contested).result()
        assert other.submit(elsewhere, another).result()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        assert other.submit(elsewhere, contested).result()


def test_what_a_sink_refused_goes_out_again(project: Project, server: Server) -> None:
    write(project, server, 2)
    with pytest.raises(ConnectionError):
        outbox_relay.publish_batch(outbox=outbox(broken), at=NOW)
    out: list[EventRecord] = []
    assert outbox_relay.publish_batch(outbox=outbox(out.extend), at=NOW) == 2


def test_one_way_out_knows_nothing_of_the_other(project: Project, server: Server) -> None:
    write(project, server, 3)
    out: list[EventRecord] = []
    outbox_relay.publish_batch(outbox=outbox(out.extend, mark=Mark.BROWSERS), at=NOW)
    outbox_relay.publish_batch(outbox=outbox(out.extend, mark=Mark.KAFKA), at=NOW)
    assert len(out) == 6


def test_the_lag_is_what_waits_and_for_how_long(project: Project, server: Server) -> None:
    write(project, server, 3)
    lag = outbox_relay.lag_of(outbox=outbox(broken), at=factories.later(60))
    assert (lag.waiting, lag.oldest) == (3, timedelta(seconds=60))
    outbox_relay.publish_batch(outbox=outbox(lambda _: None), at=NOW)
    lag = outbox_relay.lag_of(outbox=outbox(broken), at=factories.later(60))
    assert (lag.waiting, lag.oldest) == (0, timedelta(0))


def test_health_tells_the_lag_of_what_is_configured(
    project: Project, server: Server, settings: Settings, client: Client
) -> None:
    write(project, server, 3)
    settings.KAFKA_BROKERS = ["127.0.0.1:1"]
    told = client.get("/healthz/events").json()
    assert {name: each["waiting"] for name, each in told.items()} == {"browsers": 3, "kafka": 3, "stacks": 0}
    settings.KAFKA_BROKERS = []
    assert set(client.get("/healthz/events").json()) == {"browsers"}
