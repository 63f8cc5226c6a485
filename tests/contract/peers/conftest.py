"""The platform's other services as a real NestJS program on a real broker, and our client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from deployments.clients import peers
from deployments.kafka.nest import reply_topic_of
from deployments.kafka.rpc import KafkaRpcClient
from deployments.kafka.topics import create_missing
from tests.contract import nest
from tests.contract.peers.scene import alice, be, code
from tests.contract.peers.world import World
from tests.servers.own_kafka import OwnKafka

__all__ = ["alice", "be", "code"]
TOPICS = [question.topic for question in peers.QUESTIONS]


@pytest.fixture(scope="session")
def running(own_kafka: OwnKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("peers")
    world = World(state=folder / "world.json", heard_file=folder / "heard.jsonl")
    world.be()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.KAFKA_BROKERS", [own_kafka.address])
        create_missing([*TOPICS, *map(reply_topic_of, TOPICS)])
    child = nest.start(
        Path(__file__).parent / "server.js",
        log=folder / "server.log",
        ready="peers are ready",
        settings={
            "PEERS_BROKER": own_kafka.address,
            "PEERS_WORLD": str(world.state),
            "PEERS_HEARD": str(world.heard_file),
        },
    )
    yield world
    child.stop()


@pytest.fixture(scope="session")
def rpc_client(own_kafka: OwnKafka) -> Iterator[KafkaRpcClient]:
    opened = KafkaRpcClient(topics=TOPICS)
    yield opened
    opened.close()


@pytest.fixture
def world(
    running: World, own_kafka: OwnKafka, rpc_client: KafkaRpcClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The peers, asked for everything, with no memory of former failures."""
    settings.KAFKA_BROKERS = [own_kafka.address]
    settings.AXION_PEERS = frozenset(each.value for each in peers.Peer)
    monkeypatch.setattr(peers, "rpc_client", lambda: rpc_client)
    peers.breaker_of.cache_clear()
    running.be()
    yield running
    peers.breaker_of.cache_clear()
