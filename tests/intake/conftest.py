"""A broker of our own, people with a project, and callers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.models import Server
from deployments.intake import topics
from deployments.models import Deployment, Project, User
from tests import factories
from tests.intake.wire import Caller
from tests.services.own_kafka import OwnKafka


@pytest.fixture(scope="session")
def brokers(own_kafka: OwnKafka) -> str:
    """The address of a broker that has our topics."""
    topics.create_missing(brokers=[own_kafka.address], partitions=3)
    return own_kafka.address


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
def project(owner: User) -> Project:
    return factories.make_project(owner)


@pytest.fixture
def server(owner: User) -> Server:
    return factories.make_server(owner)


@pytest.fixture
def deployment(project: Project, server: Server) -> Deployment:
    return factories.make_deployment(project, server, env_vars={"PASSWORD": "1:sealed"})
