"""getDeployment over Kafka, one consumer process, against a bare echo on the same broker, in interleaved rounds.

And what that consumer weighs afterwards.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient

from axion_deploy.demo.options import REPOSITORY
from axion_deploy.embedded.child import Child
from tests.bench import memory
from tests.bench.figures import Figure, percentile
from tests.e2e.control_plane import ControlPlane
from tests.kafka_api.wire import CORRELATION, Caller
from tests.servers.own_kafka import OwnKafka

GET = "deployment-service.getDeployment"
ECHO = "echo"
ROUNDS = 5
ALONE, TOGETHER = 150, 600
IN_FLIGHT = 16
READY_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Round:
    """Round trips per second, and each one's milliseconds."""

    rate: float
    waits: list[float]


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on requests over Kafka. Whatever the plane deployed last is asked for."""
    listed = plane.api("deployments?limit=1")
    assert listed.data is not None
    deployment = listed.data["data"]["deployments"][0]["id"]
    payload = {"metadata": {"sessionToken": str(plane.bootstrap["api_token"])}, "deploymentId": deployment}
    with consumers(plane, folder) as broker:
        caller = Caller(broker)
        for topic in (GET, ECHO):
            wait_for_topic(caller, topic)
            caller.listen(topic)
            caller.ask(topic, payload, seconds=READY_SECONDS)
        alone = [(one_by_one(caller, GET, payload), one_by_one(caller, ECHO, payload)) for _ in range(ROUNDS)]
        crowd = [(at_once(caller, GET, payload), at_once(caller, ECHO, payload)) for _ in range(ROUNDS)]
        caller.close()
        weight = memory.consumer(plane)
    return [*compared(alone, who="one caller"), *compared(crowd, who=f"{IN_FLIGHT} at once"), weight]


def compared(rounds: list[tuple[Round, Round]], *, who: str) -> list[Figure]:
    rate = statistics.median(ours.rate / theirs.rate for ours, theirs in rounds)
    slowest = statistics.median(
        percentile(ours.waits, 0.99) / percentile(theirs.waits, 0.99) for ours, theirs in rounds
    )
    per_second = statistics.median(ours.rate for ours, _ in rounds)
    name = f"getDeployment over Kafka ({per_second:.0f}/s), {who}"
    return [
        Figure(name=f"{name} / echo", value=rate, unit="ratio", goal=0.5, at_least=True),
        Figure(name=f"{name}, p99 / echo's", value=slowest, unit="ratio", goal=2.0),
    ]


def one_by_one(caller: Caller, topic: str, payload: dict[str, Any]) -> Round:
    """Each request after the answer to the one before."""
    caller.replies.clear()
    waits = []
    for _ in range(ALONE):
        began = time.perf_counter()
        caller.ask(topic, payload)
        waits.append((time.perf_counter() - began) * 1000)
    return Round(rate=ALONE / sum(waits) * 1000, waits=waits)


def at_once(caller: Caller, topic: str, payload: dict[str, Any]) -> Round:
    """So many always underway."""
    caller.replies.clear()
    sent: dict[str, float] = {}
    waits: list[float] = []
    began = time.perf_counter()
    while len(waits) < TOGETHER:
        while len(sent) < IN_FLIGHT and len(waits) + len(sent) < TOGETHER:
            sent[caller.send(topic, payload)] = time.perf_counter()
        caller.read()
        now = time.perf_counter()
        waits += [(now - sent.pop(reply.headers[CORRELATION].decode())) * 1000 for reply in caller.replies]
        caller.replies.clear()
    return Round(rate=TOGETHER / (time.perf_counter() - began), waits=waits)


@contextmanager
def consumers(plane: ControlPlane, folder: Path) -> Iterator[str]:
    """The address of a broker, with our consumer and the echo behind it."""
    kafka = OwnKafka(folder=folder / "kafka")
    kafka.start()
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics({name: {"num_partitions": 3} for name in (ECHO, f"{ECHO}.reply")}, wait_for_metadata=True)
    admin.close()
    echo = Child(
        name="echo",
        command=[sys.executable, "-m", "tests.bench.echo", kafka.address, ECHO],
        log_file=folder / "echo.log",
        env=plane.environment,
        cwd=REPOSITORY,
    )
    try:
        echo.start()
        plane.start_consumer(KAFKA_BROKERS=kafka.address, AXION_LOG_LEVEL="WARNING")
        yield kafka.address
    finally:
        plane.children.pop("consumer").stop()
        echo.stop()
        kafka.stop()


def wait_for_topic(caller: Caller, topic: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not caller.consumer.partitions_for_topic(f"{topic}.reply"):
        assert time.monotonic() < deadline, f"nobody made {topic}.reply"
        time.sleep(0.2)
