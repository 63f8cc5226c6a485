"""Publisher, broker and database killed while events are written: who drops repeated ids sees the stored history."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from axion_deploy.embedded.binaries import find_postgres
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.postgres import EmbeddedPostgres
from tests.e2e.control_plane import wait_for
from tests.servers.migrated import copy_server
from tests.servers.own_kafka import OwnKafka
from tests.stream.conftest import Programs
from tests.stream.topic import events_on

pytestmark = [pytest.mark.slow]

CAUGHT_UP_SECONDS = 60.0
MORE_FREEZES = 5
History = dict[str, list[tuple[int, str]]]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    found = find_postgres(only="path")
    assert found is not None, "make services installs PostgreSQL"
    own = EmbeddedPostgres(programs=found, folder=tmp_path / "postgres", durable=False)
    copy_server(programs=found, to=own.folder)
    own.start()
    yield own
    own.stop()


def stored(postgres: EmbeddedPostgres) -> History:
    """Sequence and id of every event by deployment, in order."""
    history: History = defaultdict(list)
    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute("SELECT deployment_id, sequence, id FROM deployment_events ORDER BY sequence")
        for deployment_id, sequence, event_id in rows:
            history[str(deployment_id)].append((sequence, str(event_id)))
    return history


def is_all_out(postgres: EmbeddedPostgres) -> bool:
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute("SELECT count(*) FROM deployment_events WHERE streamed_at IS NULL").fetchone()
    return row == (0,)


def received(own_kafka: OwnKafka) -> tuple[History, int]:
    """What a consumer sees that drops repeated ids, in the order of arrival, and how many repeats it dropped."""
    history: History = defaultdict(list)
    seen: set[str] = set()
    repeats = 0
    for event in events_on(own_kafka.address):
        if event["id"] in seen:
            repeats += 1
            continue
        seen.add(event["id"])
        history[event["deploymentId"]].append((event["sequence"], event["id"]))
    return history, repeats


def test_nothing_is_lost_and_order_stays(own_kafka: OwnKafka, postgres: EmbeddedPostgres, programs: Programs) -> None:
    settings = {"DATABASE_URL": postgres.url, "KAFKA_BROKERS": own_kafka.address}
    writer = programs.start("-m", "tests.stream.writer", **settings)
    publishers = [start_publisher(programs, settings) for _ in range(2)]
    wait_for(lambda: len(stored(postgres)) == 4, seconds=60, what="the writer", details=programs.tails)

    def kill_publisher() -> None:
        publishers[0].kill()
        publishers.append(start_publisher(programs, settings))
        del publishers[0]

    def kill_broker() -> None:
        own_kafka.kill()
        time.sleep(random.uniform(0, 2))
        own_kafka.start()

    def freeze_broker() -> None:
        own_kafka.freeze()
        time.sleep(2)
        # What they have sent lies unread before the broker, which takes it when nobody waits for the answer any more.
        kill_publisher()
        kill_publisher()
        time.sleep(5)
        own_kafka.thaw()

    def kill_database() -> None:
        postgres.kill()
        postgres.start()

    for fault in (kill_publisher, kill_broker, kill_publisher, kill_database, freeze_broker, kill_publisher):
        time.sleep(random.uniform(0.3, 1.5))
        fault()
    for _ in range(MORE_FREEZES):
        time.sleep(3)
        if received(own_kafka)[1]:
            break
        # A busy machine may not have had a publisher ready when the broker froze.
        freeze_broker()
    time.sleep(1)
    writer.stop()
    wait_for(lambda: is_all_out(postgres), seconds=CAUGHT_UP_SECONDS, what="all to go out", details=programs.tails)
    history, repeats = received(own_kafka)
    expected = stored(postgres)
    # The broker may hold what other tests of this process sent.
    assert {deployment: history[deployment] for deployment in expected} == expected
    assert all([number for number, _ in each] == list(range(1, len(each) + 1)) for each in history.values())
    assert repeats, "no fault came between sending and marking"


def start_publisher(programs: Programs, settings: dict[str, str]) -> Child:
    return programs.start("manage.py", "publish_events", **settings)
