"""The consumer in a thread of the tests, on the tests' database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from deployments import process_status
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.group_consumer import Membership
from deployments.kafka_api.health_check import health_check
from deployments.kafka_api.identity import Identify
from deployments.kafka_api.process import ConsumerProcess
from deployments.services.upkeep import health
from tests.kafka_api.groups import new_group

START_SECONDS = 40.0


def new_consumer(*, identify: Identify, group: str = "", threads: int = 4) -> ConsumerProcess:
    """A consumer that is not running yet; its group begins at what is sent from its start on."""
    membership = Membership(
        group=group or new_group(settings.KAFKA_BROKERS[0]), client_id=f"c-{uuid4().hex[:8]}", threads=threads
    )
    dispatcher = Dispatcher(identify=identify, health=health_check(trusting=False, now=timezone.now))
    return ConsumerProcess(membership=membership, dispatcher=dispatcher, partitions=3, stopped=threading.Event())


@contextmanager
def running(consumer: ConsumerProcess) -> Iterator[ConsumerProcess]:
    """Until it serves; stopped at the end."""
    thread = threading.Thread(target=consumer.run, name="consumer")
    thread.start()
    try:
        wait_serving(consumer)
        yield consumer
    finally:
        consumer.stopped.set()
        thread.join(30)
        assert not thread.is_alive()


def wait_serving(consumer: ConsumerProcess) -> None:
    deadline = time.monotonic() + START_SECONDS
    while consumer_state(consumer) != health.SERVING:
        assert time.monotonic() < deadline, f"the consumer says {consumer_state(consumer)}"
        time.sleep(0.05)


def consumer_state(consumer: ConsumerProcess) -> str:
    said = process_status.read_all(kind=health.CONSUMER) or {}
    return str(said.get(consumer.membership.client_id, {}).get("state", "nothing"))
