"""Brokers and consumers are killed under load: each request has one effect and at least one reply."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from deployments.models import Deployment, DeploymentEvent, Project, User
from tests import factories
from tests.e2e.control_plane import wait_for
from tests.kafka_api.processes import Consumers, state_of
from tests.kafka_api.wire import CORRELATION, Caller
from tests.servers.own_kafka import OwnKafka

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DEPLOY = "deployment-service.deployProject"
GET = "deployment-service.getDeployment"
REQUESTS = 60
ANSWER_SECONDS = 150.0


class Load:
    """Deploy requests, each sent twice and out of order, and the answers to them."""

    def __init__(self, caller: Caller, owner: User, project: Project) -> None:
        self.caller = caller
        self.wish = {
            "metadata": {"userId": str(owner.id)},
            "projectId": str(project.id),
            "serverId": str(factories.make_server(owner).id),
        }
        self.names = [f"r{number}" for number in range(REQUESTS)]
        caller.listen(DEPLOY)

    def send(self, *, seconds: float) -> None:
        """Spread over this time, so that faults fall between."""
        order = [*self.names, *self.names]
        random.Random(7).shuffle(order)
        for name in order:
            self.caller.send(DEPLOY, self.wish, correlation_id=name)
            time.sleep(seconds / len(order))

    def answered(self) -> dict[str, set[str]]:
        """The ids of deployments that each request was answered with."""
        found: dict[str, set[str]] = {}
        for reply in self.caller.replies:
            assert reply.body["status"] == 1, reply.body
            name = reply.headers[CORRELATION].decode()
            found.setdefault(name, set()).add(reply.body["deployment"]["id"])
        return found

    def check(self) -> None:
        """Every request has an answer, all its answers name the same deployment, and that is its only one."""
        self.caller.read_until(lambda: len(self.answered()) == REQUESTS, seconds=ANSWER_SECONDS)
        answers = self.answered()
        assert {len(ids) for ids in answers.values()} == {1}
        assert len({next(iter(ids)) for ids in answers.values()}) == REQUESTS
        assert Deployment.objects.count() == REQUESTS
        for deployment in Deployment.objects.all():
            events = DeploymentEvent.objects.filter(deployment=deployment).order_by("sequence")
            assert [event.sequence for event in events] == [1]


@pytest.mark.django_db(transaction=True)
def test_consumers_are_killed_at_any_moment(
    brokers: str, caller: Caller, owner: User, project: Project, tmp_path: Path
) -> None:
    consumers = Consumers(folder=tmp_path, broker=brokers)
    load = Load(caller, owner, project)
    chance = random.Random(3)
    try:
        consumers.start()
        sending = threading.Thread(target=load.send, kwargs={"seconds": 8})
        sending.start()
        for _ in range(3):
            consumers.start(wait=False)
            time.sleep(chance.uniform(0.5, 2.5))
            chance.choice([child for child in consumers.children if child.is_running()]).kill()
        consumers.start()
        sending.join()
        load.check()
    finally:
        consumers.stop()


# kafka-python forgets to close the socket on which the broker died.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.django_db(transaction=True)
def test_the_broker_is_killed_under_load(
    own_kafka: OwnKafka, brokers: str, caller: Caller, owner: User, project: Project, tmp_path: Path
) -> None:
    consumers = Consumers(folder=tmp_path, broker=brokers)
    load = Load(caller, owner, project)
    try:
        consumer = consumers.start()
        sending = threading.Thread(target=load.send, kwargs={"seconds": 6})
        sending.start()
        time.sleep(2)
        own_kafka.kill()
        time.sleep(3)
        own_kafka.start()
        sending.join()
        load.check()
        assert consumer.is_running()
        consumers.wait_serving(consumer)
    finally:
        consumers.stop()


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_it_waits_says_so_and_ends_when_told(brokers: str, owner: User, tmp_path: Path) -> None:
    consumers = Consumers(folder=tmp_path, broker="127.0.0.1:1", group="nowhere")
    child = consumers.start(wait=False)
    try:
        wait_for(lambda: state_of(child) == "waiting", seconds=60, what="the consumer to wait", details=consumers.tails)
    finally:
        assert child.stop(grace=15)
    assert child.exit_code == 0


@pytest.mark.django_db(transaction=True)
def test_sigterm_finishes_what_is_underway(
    brokers: str, caller: Caller, owner: User, project: Project, tmp_path: Path
) -> None:
    consumers = Consumers(folder=tmp_path, broker=brokers)
    load = Load(caller, owner, project)
    try:
        first = consumers.start()
        for name in load.names:
            caller.send(DEPLOY, load.wish, correlation_id=name)
        caller.producer.flush()
        caller.read_until(lambda: len(caller.replies) > 0)
        assert first.stop(grace=25)
        assert first.exit_code == 0
        consumers.start()
        load.check()
        assert len(caller.replies) == REQUESTS
    finally:
        consumers.stop()
