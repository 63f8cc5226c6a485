"""Which topics exist: the broker is asked rarely, and callers with topics that do not exist hold up nobody."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient

from deployments.kafka.existing_topics import ExistingTopics
from deployments.kafka_api import request_topics

THREADS = 8


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each question that anybody asks the broker for its topics."""
    asked: list[str] = []
    list_topics = KafkaAdminClient.list_topics

    def counted(admin: Any) -> Any:
        asked.append(threading.current_thread().name)
        return list_topics(admin)

    monkeypatch.setattr(KafkaAdminClient, "list_topics", counted)
    return asked


def test_all_that_wait_share_a_question(brokers: str, questions: list[str]) -> None:
    existing = ExistingTopics(client_id="existing")
    together = threading.Barrier(THREADS)

    def ask(number: int) -> bool:
        together.wait(30)
        return existing.has(request_topics.names()[0] if number == 0 else f"nowhere-{uuid4().hex}.reply")

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, range(THREADS))) == [True] + [False] * (THREADS - 1)
    # One for the first, one for those that came while it was asked; a machine that is very busy may part them again.
    assert len(questions) <= THREADS // 2
    before = len(questions)
    assert existing.has(request_topics.names()[0])
    assert len(questions) == before
    existing.close()


def test_a_topic_that_was_made_just_now_is_found(brokers: str) -> None:
    existing, name = ExistingTopics(client_id="existing"), f"made-{uuid4().hex}.reply"
    assert not existing.has(name)
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    admin.create_topics({name: {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()
    assert existing.has(name)
    existing.close()
