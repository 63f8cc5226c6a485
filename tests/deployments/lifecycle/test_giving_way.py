"""Who is alone with something and falls silent, stopped or cut off, gives way: the server ends its connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection

from deployments import outbox_relay
from deployments.outbox_relay import Outbox
from deployments.repositories import start_lock
from deployments.repositories.events import EventQueue, Mark
from tests.e2e.control_plane import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
DEPLOYMENT = uuid4()
OUTBOX: Outbox[Any] = Outbox(name="test", lock=7_201_999, queue=EventQueue(Mark.KAFKA), send=lambda _: None, trouble=())
Take = Callable[[], bool]


def take_claim() -> bool:
    with start_lock.try_lock(deployment_id=DEPLOYMENT, seconds=1) as mine:
        return mine


def sleep_with_claim(asleep: threading.Event, over: threading.Event) -> None:
    with start_lock.try_lock(deployment_id=DEPLOYMENT, seconds=1) as mine:
        assert mine
        asleep.set()
        over.wait(timeout=30)


def become_publisher() -> bool:
    return outbox_relay.become_publisher(outbox=OUTBOX)


def sleep_as_publisher(asleep: threading.Event, over: threading.Event) -> None:
    assert become_publisher()
    asleep.set()
    over.wait(timeout=30)
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.fixture
def over() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize(
    ("sleep", "take"),
    [(sleep_with_claim, take_claim), (sleep_as_publisher, become_publisher)],
    ids=["claim", "publisher"],
)
def test_one_that_sleeps_gives_way(
    sleep: Callable[..., None], take: Take, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_relay, "SILENT_SECONDS", 1)
    asleep = threading.Event()

    def slept() -> None:
        try:
            sleep(asleep, over)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as threads:
        sleeping = threads.submit(slept)
        assert asleep.wait(timeout=10)
        assert not take()
        wait_for(take, seconds=20, what="its turn")
        over.set()
        with pytest.raises(DatabaseError):
            sleeping.result(timeout=10)
    connection.close()
