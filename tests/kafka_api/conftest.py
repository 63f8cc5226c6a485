"""A broker of our own, a running consumer, people with a project, and callers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from agents.models import Server
from deployments.kafka_api import request_topics
from deployments.kafka_api.identity import by_trust
from deployments.kafka_api.process import ConsumerProcess
from deployments.models import Deployment, Project, User
from tests import factories
from tests.kafka_api.consumers import new_consumer, running
from tests.kafka_api.wire import Caller
from tests.servers.own_kafka import OwnKafka


@pytest.fixture(scope="module")
def brokers(own_kafka: OwnKafka) -> Iterator[str]:
    """The address of a broker that has our topics; the product knows it."""
    usual, settings.KAFKA_BROKERS = settings.KAFKA_BROKERS, [own_kafka.address]
    request_topics.create_missing(partitions=3)
    yield own_kafka.address
    settings.KAFKA_BROKERS = usual


@pytest.fixture(scope="module")
def trusting(brokers: str, django_db_setup: None) -> Iterator[ConsumerProcess]:
    """A consumer that believes every user id, for all tests of a file: joining a group takes its seconds."""
    with running(new_consumer(identify=by_trust())) as consumer:
        yield consumer


@pytest.fixture
def caller(brokers: str) -> Iterator[Caller]:
    made = Caller(brokers)
    yield made
    made.close()


@pytest.fixture
def owner(transactional_db: None) -> User:
    return factories.make_user("alice")


@pytest.fixture
def stranger(transactional_db: None) -> User:
    return factories.make_user("mallory")


@pytest.fixture
def deployment(project: Project, server: Server) -> Deployment:
    return factories.make_deployment(project, server, env_vars={"PASSWORD": "1:sealed"})
