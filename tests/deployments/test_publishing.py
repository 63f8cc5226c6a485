"""The outbox: in order, at least once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agents.models import Server
from deployments import publishing
from deployments.events import EventType, NewEvent
from deployments.models import Project
from deployments.repositories import events
from deployments.types import EventRecord
from tests import factories
from tests.factories import NOW


def write(project: Project, server: Server, count: int) -> None:
    deployment = factories.make_deployment(project, server)
    for number in range(count):
        new = NewEvent(type=EventType.LOG_WRITTEN, payload={"text": str(number)})
        events.append(deployment_id=deployment.id, events=[new], at=NOW)


def test_events_go_out_in_order_and_once(project: Project, server: Server) -> None:
    write(project, server, 5)
    out: list[EventRecord] = []
    assert publishing.publish_batch(sinks=[out.extend], at=NOW) == 5
    assert publishing.publish_batch(sinks=[out.extend], at=NOW) == 0
    assert [event.sequence for event in out] == [1, 2, 3, 4, 5]


def test_what_a_sink_refused_goes_out_again(project: Project, server: Server) -> None:
    write(project, server, 2)

    def broken(_: Sequence[EventRecord]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        publishing.publish_batch(sinks=[broken], at=NOW)
    out: list[EventRecord] = []
    assert publishing.publish_batch(sinks=[out.extend], at=NOW) == 2
