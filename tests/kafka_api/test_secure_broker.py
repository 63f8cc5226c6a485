"""Every client of ours speaks to a broker that wants TLS, a certificate and a password; nobody without them gets in."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from deployments.kafka import broker
from deployments.kafka_api import request_topics
from deployments.kafka_api.producer import ReplyProducer
from deployments.kafka_api.replies import Reply
from tests.servers.secure_kafka import USER, SecureKafka


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    started = SecureKafka(folder=tmp_path_factory.mktemp("secure-kafka"))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def known(secure: SecureKafka, settings: LazySettings) -> LazySettings:
    """The product knows the broker and all that it asks for."""
    settings.KAFKA_BROKERS = [secure.address]
    settings.AXION_KAFKA_SECURITY = "SASL_SSL"
    settings.AXION_KAFKA_CA = str(secure.folder / "ca.crt")
    settings.AXION_KAFKA_CERT = str(secure.folder / "client.crt")
    settings.AXION_KAFKA_KEY = str(secure.folder / "client.key")
    settings.AXION_KAFKA_USER, settings.AXION_KAFKA_PASSWORD = USER, secure.password
    return settings


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_topics_are_made_and_a_reply_is_sent_through_the_guarded_door(known: Any, mechanism: str) -> None:
    known.AXION_KAFKA_SASL = mechanism
    request_topics.create_missing(partitions=1)
    outbox, done = ReplyProducer(client_id="test"), []
    reply = Reply(topic="health.check.reply", partition=None, headers=(), value=b"{}")
    outbox.send(reply, key=b"", sent=lambda: done.append("sent"), failed=lambda error: done.append(str(error)))
    outbox.close(seconds=10)
    assert done == ["sent"]


@pytest.mark.parametrize(
    "missing",
    [
        {"AXION_KAFKA_PASSWORD": "wrong"},
        {"AXION_KAFKA_CERT": "", "AXION_KAFKA_KEY": ""},
        {"AXION_KAFKA_CA": ""},
        {"AXION_KAFKA_SECURITY": "PLAINTEXT"},
    ],
)
# A client that is refused leaves its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_who_lacks_one_of_them_is_refused(known: Any, missing: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ANSWER_MS", 1000)
    for name, value in missing.items():
        setattr(known, name, value)
    with pytest.raises((KafkaError, OSError)):
        request_topics.create_missing(partitions=1)
    gc.collect()


def test_requests_and_replies_are_kept_for_minutes_and_dead_letters_as_long_as_the_broker_says(known: Any) -> None:
    request_topics.create_missing(partitions=1)
    admin = KafkaAdminClient(**broker.connection(client_id="test"))
    try:
        for name, kept in (
            ("health.check", "900000"),
            ("health.check.reply", "900000"),
            (request_topics.DEAD_LETTERS, None),
        ):
            ((found,),) = (each.values() for each in admin.describe_configs([topic(name)]).values())
            assert found.get("retention.ms", {}).get("value") == kept, found
    finally:
        admin.close()


def topic(name: str) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name)
