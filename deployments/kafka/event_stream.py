"""Stored events on the platform's topics, in order, at least once: `deployment-service.events`, keyed by deployment,
and `deployment-service.stacks`, keyed by project and server.

All events go out, log lines too: sequences then have no gap, so a consumer can tell that it missed nothing. Who wants
less looks at the header `axion-event-type` and skips. schemas/ describes each value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from kafka import KafkaProducer
from kafka.errors import KafkaError

from deployments.data.stack_event_types import StackEventRecord
from deployments.kafka.broker import ANSWER_MS, BROKER_AWAY, connection
from deployments.kafka.topics import create_missing
from deployments.types import EventRecord
from deployments.wire import event_shape, stack_event_shape

TOPIC = "deployment-service.events"
STACK_TOPIC = "deployment-service.stacks"
# Rises when a field goes or changes its meaning. New fields may come at any time.
SCHEMA_VERSION = 1
# Brokers take record batches of 1 MiB unless told otherwise.
MAX_BATCH_BYTES = 1024 * 1024
ROUND_BYTES = MAX_BATCH_BYTES // 2
MAX_EVENT_BYTES = MAX_BATCH_BYTES * 7 // 8
LINGER_MS = 5_000


class Event(Protocol):
    """What every stored event has."""

    @property
    def id(self) -> UUID: ...

    @property
    def type(self) -> str: ...


E = TypeVar("E", bound=Event)


@dataclass(frozen=True, kw_only=True)
class Stream(Generic[E]):
    """A topic, what keys its messages, and how an event looks there."""

    topic: str
    key: Callable[[E], str]
    shape: Callable[[E], dict[str, Any]]


DEPLOYMENTS: Stream[EventRecord] = Stream(topic=TOPIC, key=lambda event: str(event.deployment_id), shape=event_shape)
STACKS: Stream[StackEventRecord] = Stream(
    topic=STACK_TOPIC,
    key=lambda event: f"{event.project_id}@{event.server_id}",
    shape=stack_event_shape,
)
STREAMS: tuple[Stream[Any], ...] = (DEPLOYMENTS, STACKS)


class EventTopic(Generic[E]):
    """Sends events and waits until the brokers have them. For one thread.

    Events go out in rounds that fit one record batch per partition, and the next round waits for the last one: a broker
    takes a batch whole or not at all, so no failure can change the order.
    """

    def __init__(self, stream: Stream[E]) -> None:
        self._stream = stream
        self._producer: KafkaProducer | None = None

    def send(self, events: Sequence[E]) -> None:
        """Return when every event is acknowledged by all in-sync replicas. Raises what BROKER_AWAY names.

        After a failure some may be out: sending all of them again repeats those and loses none.
        """
        try:
            for messages in rounds(events, stream=self._stream):
                self._send_round(messages)
        except BROKER_AWAY:
            self.close()
            raise

    def close(self) -> None:
        """Give up what was not acknowledged, and the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close(timeout=1)
            except KafkaError:
                # It only tells that something was given up.
                return

    def _send_round(self, messages: Sequence[tuple[E, bytes]]) -> None:
        producer = self._connect()
        sent = [
            producer.send(
                self._stream.topic, key=self._stream.key(event).encode(), value=value, headers=headers_of(event)
            )
            for event, value in messages
        ]
        producer.flush(timeout=2 * (LINGER_MS + ANSWER_MS) / 1000)
        for future in sent:
            future.get(timeout=0)

    def _connect(self) -> KafkaProducer:
        if self._producer is None:
            create_missing([self._stream.topic])
            self._producer = KafkaProducer(
                **connection(client_id="axion-deploy-events"),
                # A batch leaves when the round is flushed, never before: nothing lingers that long.
                linger_ms=LINGER_MS,
                batch_size=MAX_BATCH_BYTES,
                max_request_size=MAX_BATCH_BYTES,
                delivery_timeout_ms=LINGER_MS + ANSWER_MS,
                max_block_ms=ANSWER_MS,
            )
        return self._producer


def rounds(events: Iterable[E], *, stream: Stream[E]) -> Iterator[list[tuple[E, bytes]]]:
    """Yield the events with their values, in order, in groups of at most ROUND_BYTES or one event."""
    batch: list[tuple[E, bytes]] = []
    size = 0
    for event in events:
        value = value_of(event, stream=stream)
        if batch and size + len(value) > ROUND_BYTES:
            yield batch
            batch, size = [], 0
        batch.append((event, value))
        size += len(value)
    if batch:
        yield batch


def value_of(event: E, *, stream: Stream[E]) -> bytes:
    """Return the message: the event as every door shows it, with the version of its schema.

    One that no broker would take goes without its payload and says so; REST has it whole.
    """
    shape = {"schemaVersion": SCHEMA_VERSION, **stream.shape(event), "payloadOmitted": False}
    value = json.dumps(shape, separators=(",", ":")).encode()
    if len(value) > MAX_EVENT_BYTES:
        value = json.dumps({**shape, "payload": {}, "payloadOmitted": True}, separators=(",", ":")).encode()
    return value


def headers_of(event: Event) -> list[tuple[str, bytes]]:
    """Return what lets a consumer drop repeats and skip types without reading the value."""
    return [
        ("axion-event-id", str(event.id).encode()),
        ("axion-event-type", event.type.encode()),
        ("axion-schema-version", str(SCHEMA_VERSION).encode()),
    ]
