"""One membership in the group: take requests, have them served, commit what is answered.

A session ends when it is told to or when the broker takes no replies. Nothing is lost then: what was not committed is
delivered to the next session or to another consumer, and has no second effect.
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
from deployments.kafka.offsets import Offsets, Spot
from deployments.kafka.unreadable import UNREADABLE, pass_over
from deployments.kafka_api.delivery import ReplyDelivery
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.handlers import PATTERNS
from deployments.kafka_api.producer import ReplyProducer, UndeliverableError
from deployments.kafka_api.requests import IncomingRecord
from deployments.kafka_api.topics import SUBSCRIPTION
from deployments.kafka_api.workers import Workers

POLL_MS = 200
# All that was fetched, each time: kafka-python 3.0 never returns to a partition that is paused halfway through a fetch.
# The bytes of a fetch are the bound instead; a larger message comes alone.
MOST_PER_POLL = 1_000_000
FETCH_BYTES = 2 * 1024 * 1024
PARTITION_BYTES = 128 * 1024
MOST_PER_THREAD = 8
# What a killed consumer had answered since the last commit is answered twice.
COMMIT_SECONDS = 0.5
# A request for a topic that did not exist is noticed after this.
METADATA_MS = 30_000
SESSION_MS = 10_000
HEARTBEAT_MS = 3_000
DRAIN_SECONDS = 12.0
CLOSE_SECONDS = 3.0

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Membership:
    """As whom to listen, with how many threads for each kind of request."""

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
        self._counter = ReplyDelivery(dispatcher=dispatcher, producer=self._outbox, broken=self._break)
        try:
            self._consumer = _consumer(membership)
        except BaseException:
            self._outbox.close(seconds=CLOSE_SECONDS)
            raise
        bounds = {"count": membership.threads, "most_underway": membership.threads * MOST_PER_THREAD}
        self._kinds = {False: Workers(name="looks", **bounds), True: Workers(name="effects", **bounds)}

    def run(self, *, each: Callable[[int], None]) -> None:
        """Serve until stopped or broken; `each` is called at every turn with the number of partitions held.

        Raises what broker.BROKER_AWAY names, or UndeliverableError when the broker takes no replies.
        """
        self._consumer.subscribe(pattern=SUBSCRIPTION, listener=self)
        while not self._stopped.is_set():
            self._turn()
            each(len(self._consumer.assignment()))
            if self._broken is not None:
                raise self._broken

    def close(self) -> None:
        """Finish what is underway within a deadline, commit it and leave the group."""
        try:
            self._drain()
        except Exception as error:
            logger.warning("requests are left to be delivered again", error=str(error))
        finally:
            for workers in self._kinds.values():
                workers.stop(seconds=CLOSE_SECONDS)
            self._consumer.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS * 1000))
            self._outbox.close(seconds=CLOSE_SECONDS)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit what is answered while we still may; what is underway will be answered twice."""
        spots = [Spot(*partition) for partition in revoked]
        self._commit(self._offsets.to_commit(spots))
        self._offsets.forget(spots)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        logger.info("partitions taken", count=len(list(assigned)))

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._offsets.forget(Spot(*partition) for partition in lost)

    def _turn(self) -> None:
        try:
            for records in self._consumer.poll(timeout_ms=POLL_MS, max_records=MOST_PER_POLL).values():
                for record in records:
                    self._take(record)
        except UNREADABLE as error:
            self._pass_over(error)
        self._balance()
        if time.monotonic() - self._committed_at >= COMMIT_SECONDS and self._committing.is_done:
            self._commit(self._offsets.to_commit())

    def _pass_over(self, error: Exception) -> None:
        passed = pass_over(self._consumer)
        if passed is None:
            raise error
        spot, offset = Spot(*passed[0]), passed[1]
        logger.error("a record cannot be read and is passed over", spot=spot, offset=offset, error=str(error))
        self._offsets.taken(spot, offset)
        self._offsets.answered(spot, offset)

    def _take(self, record: Any) -> None:
        incoming = _incoming(record)
        spot = Spot(incoming.topic, incoming.partition)
        workers = self._workers_of(incoming.topic)
        self._offsets.taken(spot, incoming.offset)

        def done() -> None:
            self._offsets.answered(spot, incoming.offset)
            workers.finished()

        workers.begin(lambda: self._counter.serve(incoming, later=workers.also, done=done))

    def _workers_of(self, topic: str) -> Workers:
        pattern = PATTERNS.get(topic)
        return self._kinds[pattern is not None and pattern.has_effect]

    def _balance(self) -> None:
        """Read on only where there is room; polling goes on, so the group keeps us."""
        held, paused = self._consumer.assignment(), self._consumer.paused()
        for workers in self._kinds.values():
            mine = {partition for partition in held if self._workers_of(partition.topic) is workers}
            if workers.is_full and mine - paused:
                self._consumer.pause(*(mine - paused))
            elif workers.has_room and mine & paused:
                self._consumer.resume(*(mine & paused))

    def _commit(self, offsets: dict[Spot, int]) -> None:
        """Lost commits only mean that requests are answered twice."""
        if not offsets:
            return
        self._committed_at = time.monotonic()
        self._committing = self._consumer.commit_async(_for_broker(offsets), callback=self._committed)

    def _committed(self, offsets: dict[TopicPartition, OffsetAndMetadata], answer: object) -> None:
        """Called by a later poll. What failed is tried again with the next commit."""
        if isinstance(answer, Exception):
            logger.info("offsets not committed yet", error=str(answer))
        else:
            self._offsets.note_committed({Spot(*partition): said.offset for partition, said in offsets.items()})

    def _drain(self) -> None:
        self._consumer.pause(*self._consumer.assignment())
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(workers.underway for workers in self._kinds.values()) and time.monotonic() < deadline:
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


def _for_broker(offsets: dict[Spot, int]) -> dict[TopicPartition, OffsetAndMetadata]:
    return {TopicPartition(*spot): OffsetAndMetadata(offset, "", -1) for spot, offset in offsets.items()}


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
