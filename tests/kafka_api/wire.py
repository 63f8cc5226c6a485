"""A caller that speaks NestJS's request/reply over Kafka and sees every byte of the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
REPLY_SUFFIX = ".reply"
ANSWER_SECONDS = 30.0
CORRELATION = "kafka_correlationId"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record of a reply topic or of the dead letters."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def body(self) -> dict[str, Any]:
        assert self.value is not None, self.headers
        parsed: dict[str, Any] = json.loads(self.value)
        return parsed

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


class Caller:
    """Holds one partition of every reply topic that it uses."""

    def __init__(self, brokers: str, *, partition: int = 0) -> None:
        self.brokers = brokers
        self.partition = partition
        self.producer = KafkaProducer(
            bootstrap_servers=brokers, max_request_size=MAX_MESSAGE_BYTES, metrics_enabled=False, linger_ms=1
        )
        self.consumer = KafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="latest", metrics_enabled=False)
        self.replies: list[Record] = []

    def listen(self, *topics: str, whole: bool = False) -> None:
        """To our partition of these patterns' replies, or to whole topics by their own names; from now on."""
        if whole:
            spots = [TopicPartition(t, p) for t in topics for p in sorted(self.consumer.partitions_for_topic(t) or ())]
        else:
            spots = [TopicPartition(topic + REPLY_SUFFIX, self.partition) for topic in topics]
        self.consumer.assign([*self.consumer.assignment(), *spots])
        for spot in spots:
            self.consumer.position(spot)

    def send(
        self,
        pattern: str,
        payload: Mapping[str, Any] | bytes | None,
        *,
        correlation_id: str = "",
        headers: Mapping[str, bytes | None] | None = None,
        key: bytes | None = None,
        partition: int | None = None,
    ) -> str:
        """Ask; returns the correlation id. A header of None is left out; a null value needs a key."""
        correlation_id = correlation_id or uuid4().hex[:21]
        said: dict[str, bytes | None] = {
            CORRELATION: correlation_id.encode(),
            "kafka_replyTopic": (pattern + REPLY_SUFFIX).encode(),
            "kafka_replyPartition": str(self.partition).encode(),
            **(headers or {}),
        }
        value = payload if isinstance(payload, bytes | None) else json.dumps(payload).encode()
        self.producer.send(
            pattern,
            value,
            key=key,
            headers=[(name, content) for name, content in said.items() if content is not None],
            partition=partition,
        )
        return correlation_id

    def wait(self, correlation_id: str, *, seconds: float = ANSWER_SECONDS) -> Record:
        self.producer.flush()
        self.read_until(lambda: any(self.is_for(reply, correlation_id) for reply in self.replies), seconds=seconds)
        return next(reply for reply in self.replies if self.is_for(reply, correlation_id))

    def ask(
        self,
        pattern: str,
        payload: Mapping[str, Any] | bytes | None,
        *,
        seconds: float = ANSWER_SECONDS,
        **more: Any,
    ) -> Record:
        return self.wait(self.send(pattern, payload, **more), seconds=seconds)

    @staticmethod
    def is_for(reply: Record, correlation_id: str) -> bool:
        return reply.headers.get(CORRELATION) == correlation_id.encode()

    def read_until(self, enough: Callable[[], bool], *, seconds: float = ANSWER_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not enough():
            assert time.monotonic() < deadline, f"waited {seconds:g} s; {len(self.replies)} records so far"
            self.read()

    def read(self, *, milliseconds: int = 200) -> None:
        for records in self.consumer.poll(timeout_ms=milliseconds).values():
            self.replies += [
                Record(topic=r.topic, partition=r.partition, key=r.key, value=r.value, headers=dict(r.headers))
                for r in records
            ]

    def close(self) -> None:
        self.producer.close(timeout=2)
        self.consumer.close(autocommit=False)
