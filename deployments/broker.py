"""How we reach Kafka: the same brokers and deadlines for everyone who sends or reads here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

# What a broker that is away, or half away, raises: its library's errors and those of the sockets below.
BROKER_AWAY = (KafkaError, OSError)
ANSWER_MS = 5_000


def connection(*, client_id: str) -> dict[str, Any]:
    """What every client of kafka-python takes. No wait in it is longer than ANSWER_MS."""
    return {
        "bootstrap_servers": list(settings.KAFKA_BROKERS),
        "client_id": client_id,
        "bootstrap_timeout_ms": ANSWER_MS,
        "request_timeout_ms": ANSWER_MS,
        "reconnect_backoff_max_ms": 1_000,
    }


def ensure_topics(names: Iterable[str]) -> None:
    """Make the topics that are missing, with as many partitions and copies as the brokers make by default.

    Raises what BROKER_AWAY names.
    """
    admin = KafkaAdminClient(**connection(client_id="axion-deploy-topics"))
    try:
        missing = sorted(set(names) - set(admin.list_topics()))
        for name in missing:
            try:
                admin.create_topics({name: {}}, timeout_ms=ANSWER_MS, wait_for_metadata=True)
            except TopicAlreadyExistsError:
                # Another process was quicker.
                continue
    finally:
        admin.close()
