"""A gateway that agents reach over a real broker, and an agent that comes that way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient

from agents.kafka_link.envelopes import commands_topic, events_topic
from agents.runner.kafka_way.settings import KafkaSettings, read_kafka
from agents.runner.kafka_way.stub import KafkaStub
from agents.transport.grpc_server import Gateway
from agents.types import Registration
from tests.agents.conftest import config
from tests.agents.doubles import Domain, FakeAgent
from tests.servers.own_kafka import OwnKafka


@pytest.fixture
def kafka_settings(own_kafka: OwnKafka) -> KafkaSettings:
    settings = read_kafka({"brokers": [own_kafka.address]})
    assert settings is not None
    return settings


@pytest.fixture
def topics(kafka_settings: KafkaSettings, registered: Registration) -> None:
    make_topics(kafka_settings.connection, registered)


def make_topics(connection: Callable[[str], Mapping[str, Any]], registered: Registration) -> None:
    admin = KafkaAdminClient(**connection("test-topics"))
    try:
        names = (commands_topic(registered.agent_id), events_topic(registered.agent_id))
        admin.create_topics({name: {"num_partitions": 1} for name in names}, wait_for_metadata=True)
    finally:
        admin.close()


@pytest.fixture
async def gateway_over_kafka(
    transactional_db: None, domain: Domain, kafka_settings: KafkaSettings, topics: None
) -> AsyncIterator[Gateway]:
    gateway = Gateway(
        config=config(kafka=kafka_settings.connection, kafka_group=f"agents-{uuid4()}"), bindings=domain.bindings()
    )
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
async def agent(
    gateway_over_kafka: Gateway, kafka_settings: KafkaSettings, registered: Registration
) -> AsyncIterator[FakeAgent]:
    """The agent of `server`, not yet connected."""
    async with over_kafka(kafka_settings, registered) as fake:
        yield fake


@pytest.fixture
async def clone(
    gateway_over_kafka: Gateway, kafka_settings: KafkaSettings, registered: Registration
) -> AsyncIterator[FakeAgent]:
    """Another machine with the credential of `agent`, not yet connected."""
    async with over_kafka(kafka_settings, registered) as fake:
        yield fake


@asynccontextmanager
async def over_kafka(kafka_settings: KafkaSettings, registered: Registration) -> AsyncIterator[FakeAgent]:
    stub = KafkaStub(connection=kafka_settings.connection, agent_id=lambda: str(registered.agent_id))
    fake = FakeAgent(registered=registered, stub=stub)
    yield fake
    await fake.leave()
    await asyncio.to_thread(stub.close)
