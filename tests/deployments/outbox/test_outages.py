"""However long an outage lasts, whoever waits for its end goes on waiting."""

from __future__ import annotations

import threading
from typing import Any

from django.db import OperationalError

from axion_deploy.processes import RETRY, run_until
from deployments.kafka_api import process
from deployments.kafka_api.process import ConsumerProcess

# More doublings than a float takes.
FAILURES = 1_100


class Impatient(threading.Event):
    """Lets no time pass; set after so many waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        if len(self.waits) >= FAILURES:
            self.set()
        return self.is_set()


def test_a_process_outlives_any_outage_of_the_database(db: None) -> None:
    stopped = Impatient()

    def step() -> float:
        raise OperationalError("away")

    run_until(stopped, name="test", step=step)
    assert len(stopped.waits) == FAILURES
    assert all(RETRY.most / 2 <= wait <= RETRY.most for wait in stopped.waits[10:])


def test_a_consumer_outlives_any_outage_of_kafka(monkeypatch: Any) -> None:
    stopped = Impatient()

    def away(_: ConsumerProcess) -> None:
        raise OSError("away")

    monkeypatch.setattr(ConsumerProcess, "_serve", away)
    monkeypatch.setattr(ConsumerProcess, "publish_status", lambda *_: None)
    ConsumerProcess(membership=None, dispatcher=None, partitions=1, stopped=stopped).run()  # type: ignore[arg-type]
    assert len(stopped.waits) == FAILURES
    assert max(stopped.waits) <= process.RETRY.most
