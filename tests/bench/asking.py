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
from tests.bench.deploying import MOST_SECONDS, four_services
from tests.bench.figures import Figure, median_ratio, percentile
from tests.e2e.control_plane import ControlPlane, write_project
from tests.e2e.graphs import server_code
from tests.kafka_api.wire import CORRELATION, Caller
from tests.servers.own_kafka import OwnKafka

GET = "deployment-service.getDeployment"
ECHO = "echo"
ROUNDS = 5
ALONE, TOGETHER = 150, 600
IN_FLIGHT = 16
# More than that are compared with IN_FLIGHT, each once in each of these rounds.
CROWDS = (24, 32, 48, 64, 256)
CROWD_ROUNDS = 3
READY_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Round:
    """Round trips per second, and each one's milliseconds."""

    rate: float
    waits: list[float]


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on requests over Kafka: for what the plane deployed last, or for a stack that it deploys for this."""
    token, deployment = str(plane.bootstrap["api_token"]), last_deployment(plane) or deployed(plane, folder)
    payload = {"metadata": {"sessionToken": token}, "deploymentId": deployment}
    with consumers(plane, folder) as broker:
        caller = Caller(broker)
        for topic in (GET, ECHO):
            wait_for_topic(caller, topic)
            caller.listen(topic)
            caller.ask(topic, payload, seconds=READY_SECONDS)
        alone = [(one_by_one(caller, GET, payload), one_by_one(caller, ECHO, payload)) for _ in range(ROUNDS)]
        crowd = [(at_once(caller, GET, payload), at_once(caller, ECHO, payload)) for _ in range(ROUNDS)]
        crowds = larger(caller, payload)
        caller.close()
        weight = memory.consumer(plane)
    return [
        *compared(alone, who="one caller", goals=(0.6, 3.0)),
        *compared(crowd, who=f"{IN_FLIGHT} at once", goals=(0.45, 3.0)),
        *crowds,
        weight,
    ]


def last_deployment(plane: ControlPlane) -> str:
    """The newest deployment; empty when there is none."""
    listed = plane.api("deployments?limit=1")
    assert listed.data is not None
    return next((str(each["id"]) for each in listed.data["data"]["deployments"]), "")


def deployed(plane: ControlPlane, folder: Path) -> str:
    """A deployment of four services, off the host again: it is only asked for."""
    code = {name: server_code(text=name) for name in ("page", "left", "right", "base")}
    files = write_project(folder / "asked", name="Asked", graph=four_services(), code=code)
    project = plane.import_project(files)
    deployment = plane.deploy(project)
    plane.wait_for_end(deployment, seconds=MOST_SECONDS)
    plane.remove(project)
    return deployment


def larger(caller: Caller, payload: dict[str, Any]) -> list[Figure]:
    """Requests per second with more of them underway, over those with IN_FLIGHT in the same round: no cliff."""
    rates: dict[int, list[float]] = {}
    for _ in range(CROWD_ROUNDS):
        for size in (IN_FLIGHT, *CROWDS):
            rates.setdefault(size, []).append(at_once(caller, GET, payload, size=size).rate)
    return [
        Figure(
            name=f"{size} requests underway ({statistics.median(rates[size]):.0f}/s) / {IN_FLIGHT}",
            value=median_ratio(list(zip(rates[size], rates[IN_FLIGHT], strict=True))),
            unit="ratio",
            goal=1.0 if size == max(CROWDS) else 0.9,
            at_least=True,
        )
        for size in CROWDS
    ]


def compared(rounds: list[tuple[Round, Round]], *, who: str, goals: tuple[float, float]) -> list[Figure]:
    rate = statistics.median(ours.rate / theirs.rate for ours, theirs in rounds)
    slowest = statistics.median(
        percentile(ours.waits, 0.99) / percentile(theirs.waits, 0.99) for ours, theirs in rounds
    )
    per_second = statistics.median(ours.rate for ours, _ in rounds)
    name = f"getDeployment over Kafka ({per_second:.0f}/s), {who}"
    return [
        Figure(name=f"{name} / echo", value=rate, unit="ratio", goal=goals[0], at_least=True),
        Figure(name=f"{name}, p99 / echo's", value=slowest, unit="ratio", goal=goals[1]),
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


def at_once(caller: Caller, topic: str, payload: dict[str, Any], *, size: int = IN_FLIGHT) -> Round:
    """So many always underway."""
    caller.replies.clear()
    sent: dict[str, float] = {}
    waits: list[float] = []
    began = time.perf_counter()
    while len(waits) < TOGETHER:
        while len(sent) < size and len(waits) + len(sent) < TOGETHER:
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
