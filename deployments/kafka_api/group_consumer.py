"""One membership in the consumer group: take requests, have them answered, commit what is.

It ends when it is asked to stop or when the broker takes no replies. Nothing is lost then: what was not committed is
delivered to the next membership or to another consumer, and has no second effect.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.future import Future

from deployments.kafka import broker
from deployments.kafka.offsets import Offsets
from deployments.kafka.unreadable import UNREADABLE, skip_record
from deployments.kafka_api.delivery import ReplyDelivery
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.handlers import PATTERNS
from deployments.kafka_api.incoming import IncomingRecord
from deployments.kafka_api.producer import ReplyProducer, UndeliverableError
from deployments.kafka_api.request_topics import SUBSCRIPTION
from deployments.kafka_api.workers import Workers

POLL_MS = 200
# While partitions are paused: room is noticed when a poll returns.
POLL_PAUSED_MS = 20
# All that was fetched, each time: kafka-python 3.0 never returns to a partition that is paused halfway through a fetch.
# The bytes of a fetch are the bound instead; a larger message comes alone.
MAX_PER_POLL = 1_000_000
FETCH_BYTES = 2 * 1024 * 1024
PARTITION_BYTES = 128 * 1024
# Of each kind of request, in bytes. A small one occupies more than it is long.
MAX_UNDERWAY_BYTES = 4 * 1024 * 1024
BYTES_BESIDE = 2 * 1024
# What a killed consumer had answered since the last commit is answered twice.
COMMIT_SECONDS = 0.5
# After at most so long a request is noticed whose topic did not exist before.
METADATA_MS = 30_000
SESSION_MS = 10_000
HEARTBEAT_MS = 3_000
DRAIN_SECONDS = 12.0
CLOSE_SECONDS = 3.0

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Membership:
    """The group, this consumer's name in it, and how many threads it has for each kind of request."""

    group: str
    client_id: str
    threads: int


class GroupConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # the library publishes no types
    """Only the polling thread touches the consumer; listeners run on the library's own."""

    def __init__(self, *, membership: Membership, dispatcher: Dispatcher, stopped: threading.Event) -> None:
        """Raises what broker.BROKER_AWAY names when no broker answers."""
        self._stopped = stopped
        self._broken: UndeliverableError | None = None
        self._offsets = Offsets()
        self._committing: Any = Future().success(None)
        self._committed_at = 0.0
        self._outbox = ReplyProducer(client_id=membership.client_id)
        self._delivery = ReplyDelivery(dispatcher=dispatcher, producer=self._outbox, broken=self._break)
        try:
            self._consumer = _consumer(membership)
        except BaseException:
            self._outbox.close(seconds=CLOSE_SECONDS)
            raise
        bounds = {"count": membership.threads, "max_bytes": MAX_UNDERWAY_BYTES}
        self._workers = {False: Workers(name="reads", **bounds), True: Workers(name="effects", **bounds)}

    def run(self, *, after_poll: Callable[[int], None]) -> None:
        """Serve until stopped or broken; `after_poll` is called after each poll with the number of partitions held.

        Raises what broker.BROKER_AWAY names, or UndeliverableError when the broker takes no replies.
        """
        self._consumer.subscribe(pattern=SUBSCRIPTION, listener=self)
        while not self._stopped.is_set():
            self._poll()
            after_poll(len(self._consumer.assignment()))
            if self._broken is not None:
                raise self._broken

    def close(self) -> None:
        """Finish what is underway within a deadline, commit it and leave the group."""
        try:
            self._drain()
        except Exception as error:
            logger.warning("requests left to be delivered again", error=str(error))
        finally:
            for workers in self._workers.values():
                workers.stop(seconds=CLOSE_SECONDS)
            self._consumer.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS * 1000))
            self._outbox.close(seconds=CLOSE_SECONDS)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit what is answered while we still may; what is underway will be answered twice."""
        partitions = list(revoked)
        self._commit(self._offsets.to_commit(partitions))
        self._offsets.forget(partitions)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        logger.info("partitions assigned", count=len(list(assigned)))

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._offsets.forget(lost)

    def _poll(self) -> None:
        milliseconds = POLL_PAUSED_MS if self._consumer.paused() else POLL_MS
        try:
            for records in self._consumer.poll(timeout_ms=milliseconds, max_records=MAX_PER_POLL).values():
                for record in records:
                    self._take(record)
        except UNREADABLE as error:
            self._skip_record(error)
        self._balance()
        if time.monotonic() - self._committed_at >= COMMIT_SECONDS and self._committing.is_done:
            self._commit(self._offsets.to_commit())

    def _skip_record(self, error: Exception) -> None:
        skipped = skip_record(self._consumer)
        if skipped is None:
            raise error
        partition, offset = skipped
        logger.error("unreadable record skipped", partition=partition, offset=offset, error=str(error))
        self._offsets.note_taken(partition, offset)
        self._offsets.note_answered(partition, offset)

    def _take(self, record: Any) -> None:
        incoming = _incoming(record)
        partition = TopicPartition(incoming.topic, incoming.partition)
        workers = self._workers_of(incoming.topic)
        size = BYTES_BESIDE + incoming.size
        self._offsets.note_taken(partition, incoming.offset)

        def done() -> None:
            self._offsets.note_answered(partition, incoming.offset)
            workers.finish(size=size)

        workers.start(lambda: self._delivery.serve(incoming, later=workers.continue_with, done=done), size=size)

    def _workers_of(self, topic: str) -> Workers:
        pattern = PATTERNS.get(topic)
        return self._workers[pattern is not None and pattern.has_effect]

    def _balance(self) -> None:
        """Pause partitions whose workers are full and resume them later; polling goes on, so the group keeps us."""
        held, paused = self._consumer.assignment(), self._consumer.paused()
        for workers in self._workers.values():
            mine = {partition for partition in held if self._workers_of(partition.topic) is workers}
            if workers.is_full and mine - paused:
                self._consumer.pause(*(mine - paused))
            elif workers.has_room and mine & paused:
                self._consumer.resume(*(mine & paused))

    def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Begin to commit; a commit that is lost only means that requests are answered twice."""
        if not offsets:
            return
        self._committed_at = time.monotonic()
        self._committing = self._consumer.commit_async(_for_broker(offsets), callback=self._committed)

    def _committed(self, offsets: dict[TopicPartition, OffsetAndMetadata], answer: object) -> None:
        """Note how a commit ended; a later poll calls this."""
        if isinstance(answer, Exception):
            # The next commit has them, too.
            logger.info("offsets not committed yet", error=str(answer))
        else:
            self._offsets.note_committed({partition: metadata.offset for partition, metadata in offsets.items()})

    def _drain(self) -> None:
        self._consumer.pause(*self._consumer.assignment())
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(workers.underway for workers in self._workers.values()) and time.monotonic() < deadline:
            self._consumer.poll(timeout_ms=50)
            if self._broken is not None:
                raise self._broken
        if offsets := self._offsets.to_commit():
            self._consumer.commit(_for_broker(offsets), timeout_ms=int(CLOSE_SECONDS * 1000))

    def _break(self, error: UndeliverableError) -> None:
        self._broken = error


def _consumer(membership: Membership) -> KafkaConsumer:
    return KafkaConsumer(
        **broker.connection(client_id=membership.client_id),
        group_id=membership.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        metadata_max_age_ms=METADATA_MS,
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=PARTITION_BYTES,
        allow_auto_create_topics=False,
        isolation_level="read_committed",
        metrics_enabled=False,
    )


def _for_broker(offsets: dict[TopicPartition, int]) -> dict[TopicPartition, OffsetAndMetadata]:
    return {partition: OffsetAndMetadata(offset, "", -1) for partition, offset in offsets.items()}


def _incoming(record: Any) -> IncomingRecord:
    return IncomingRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers={name: value or b"" for name, value in reversed(record.headers)},
    )
