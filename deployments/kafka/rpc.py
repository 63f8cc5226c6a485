"""Request and reply over Kafka as NestJS does it, from the caller's side: replies come to one partition of our own.

No consumer group: a group has as many members as the reply topic has partitions, and its members would have to speak
NestJS's own assignment. We assign ourselves a partition, name it in each request, and know our replies by their ids.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing, suppress
from typing import Any
from uuid import uuid4

import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from agents.backoff import Backoff
from agents.isolation import isolation
from deployments.kafka.broker import ANSWER_MS, BROKER_AWAY, connection
from deployments.kafka.nest import CORRELATION_ID, REPLY_PARTITION, REPLY_TOPIC, TRANSPORT_ERROR, reply_topic_of
from deployments.kafka.reply import NoReplyError, NotSentError, Reply
from deployments.kafka.topics import create_missing

CLIENT_ID = "axion-deploy-peers"
POLL_MS = 500
# How long a send may look for its topic.
METADATA_MS = 3_000
MAX_UNDERWAY = 1_000
RETRY = Backoff(first=0.4, most=5.0)

logger = structlog.get_logger(__name__)


class KafkaRpcClient:
    """Sends requests to the given topics. Safe for threads; one per process. Connects with the first request."""

    def __init__(self, *, topics: Iterable[str]) -> None:
        self._topics = tuple(sorted(topics))
        self._underway: dict[bytes, Future[Reply]] = {}
        self._partitions: dict[str, int] = {}
        self._lock = threading.Lock()
        # A lock of its own: connecting must hold up no reply.
        self._sending = threading.Lock()
        self._listening = threading.Event()
        self._closed = threading.Event()
        self._reader: threading.Thread | None = None
        self._producer: KafkaProducer | None = None

    def ask(self, *, topic: str, value: bytes, seconds: float) -> Reply:
        """Return the reply. Raises NoReplyError when there is none within `seconds`, give or take METADATA_MS."""
        deadline = time.monotonic() + seconds
        self._start_reader()
        if not self._listening.wait(seconds):
            raise NoReplyError("Kafka does not answer.")
        correlation_id, reply = uuid4().hex.encode(), Future[Reply]()
        with self._lock:
            if len(self._underway) >= MAX_UNDERWAY:
                raise NoReplyError("Too many requests wait for a reply.")
            self._underway[correlation_id] = reply
        try:
            self._send(topic=topic, value=value, correlation_id=correlation_id, reply=reply)
            return reply.result(timeout=max(0.0, deadline - time.monotonic()))
        except NotSentError:
            # A producer that met a fatal error would never send again.
            self._drop_producer()
            raise
        except FutureTimeout:
            raise NoReplyError(f"No reply within {seconds:g} s.") from None
        finally:
            with self._lock:
                self._underway.pop(correlation_id, None)

    def close(self) -> None:
        """End the reader and drop the requests that are underway."""
        self._closed.set()
        if self._reader is not None:
            self._reader.join(timeout=2 * ANSWER_MS / 1000)
        self._drop_producer()

    def _drop_producer(self) -> None:
        with self._sending:
            producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError):
                producer.close(timeout=1)

    def _send(self, *, topic: str, value: bytes, correlation_id: bytes, reply: Future[Reply]) -> None:
        reply_topic = reply_topic_of(topic)
        headers = [
            (CORRELATION_ID, correlation_id),
            (REPLY_TOPIC, reply_topic.encode()),
            (REPLY_PARTITION, str(self._partitions[reply_topic]).encode()),
        ]
        try:
            sent = self._connect().send(topic, value=value, headers=headers)
        except BROKER_AWAY as error:
            raise NotSentError("The request could not be sent.") from error
        sent.add_errback(lambda _: settle(reply, NotSentError("The request could not be sent.")))

    def _connect(self) -> KafkaProducer:
        with self._sending:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **connection(client_id=CLIENT_ID),
                    max_block_ms=METADATA_MS,
                    delivery_timeout_ms=2 * ANSWER_MS,
                    metrics_enabled=False,
                )
            return self._producer

    def _start_reader(self) -> None:
        with self._lock:
            if self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=self._read, name=CLIENT_ID, daemon=True)
                self._reader.start()

    def _read(self) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                with closing(self._consumer()) as consumer:
                    self._listening.set()
                    failures = 0
                    while not self._closed.is_set():
                        self._deliver(consumer.poll(timeout_ms=POLL_MS))
            except BROKER_AWAY as error:
                failures += 1
                pause = RETRY.pause(failures=failures)
                logger.warning("kafka unavailable, retrying", error=str(error), seconds=round(pause, 1))
                self._closed.wait(pause)
            finally:
                self._listening.clear()

    def _consumer(self) -> KafkaConsumer:
        """Return a consumer of one partition of each reply topic, from its end on."""
        replies = [reply_topic_of(topic) for topic in self._topics]
        create_missing([*self._topics, *replies])
        consumer = KafkaConsumer(
            **connection(client_id=CLIENT_ID),
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=16 * 1024 * 1024,
            metrics_enabled=False,
        )
        try:
            self._partitions = {name: partition_of(consumer, name) for name in replies}
            assigned = [TopicPartition(name, number) for name, number in self._partitions.items()]
            consumer.assign(assigned)
            consumer.seek_to_end(*assigned)
            # Positions must be known before the first request goes out, or its reply may lie before them.
            for partition in assigned:
                consumer.position(partition, timeout_ms=ANSWER_MS)
        except BaseException:
            consumer.close()
            raise
        return consumer

    def _deliver(self, batches: dict[TopicPartition, list[Any]]) -> None:
        for record in (record for batch in batches.values() for record in batch):
            with isolation("replies of peers").item((record.topic, record.partition, record.offset)):
                self._settle(record)

    def _settle(self, record: Any) -> None:
        headers = dict(record.headers)
        with self._lock:
            reply = self._underway.pop(headers.get(CORRELATION_ID) or b"", None)
        # Others may use the partition, too, and some of our callers have given up.
        if reply is not None:
            settle(reply, Reply(value=record.value, error=headers.get(TRANSPORT_ERROR)))


def partition_of(consumer: KafkaConsumer, topic: str) -> int:
    """Return any partition of the topic. Raises KafkaError when the topic does not exist yet."""
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise KafkaError(f"The topic {topic} does not exist yet.")
    return int(random.choice(sorted(partitions)))  # noqa: S311 - spreads load


def settle(future: Future[Reply], outcome: Reply | Exception) -> None:
    """Set the future's outcome, unless it has one."""
    # Sending may fail late, when the reply is there already.
    with suppress(InvalidStateError):
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
