"""Sending replies and dead letters: acknowledged by all replicas, or an error within a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError
from kafka.serializer import Serializer

from deployments.kafka import broker
from deployments.kafka.existing_topics import ExistingTopics
from deployments.kafka_api.replies import Reply

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
# A partition has one batch on its way at a time: with the library's 16 KiB each reply would wait for all before it.
BATCH_BYTES = 512 * 1024
DELIVERY_MS = 20_000
# Of replies that the broker has not acknowledged; whoever would exceed it waits until some are.
MAX_SENDING_BYTES = 32 * 1024 * 1024
METADATA_MS = 3_000


class UndeliverableError(Exception):
    """The record did not reach its topic. The text is fit for a dead letter."""


class TooLargeError(UndeliverableError):
    """Larger than the topic or we allow."""


class _NullForEmpty(Serializer):  # type: ignore[misc]  # the library publishes no types
    """The library refuses a record without key and value, which is what a transport error is."""

    def serialize(self, topic: str, headers: Any, data: bytes) -> bytes | None:  # noqa: ARG002 - the library's
        return data or None


class _Sending:
    """The bytes that are on their way to the broker."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._bytes = 0

    def enter(self, size: int) -> None:
        """Count these bytes once there is room; one that is larger by itself goes alone.

        Raises UndeliverableError when there is none for as long as the broker may take with what is on its way.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(size), timeout=2 * DELIVERY_MS / 1000):
                raise UndeliverableError("The broker takes no replies.")
            self._bytes += size

    def leave(self, size: int) -> None:
        with self._changed:
            self._bytes -= size
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._bytes or self._bytes + size <= MAX_SENDING_BYTES


class ReplyProducer:
    """Safe for threads. Holds at most MAX_SENDING_BYTES."""

    def __init__(self, *, client_id: str) -> None:
        """Raises what broker.BROKER_AWAY names when no broker answers."""
        self._existing = ExistingTopics(client_id=client_id)
        self._sending = _Sending()
        try:
            self._producer = _producer(client_id)
        except BaseException:
            self._existing.close()
            raise

    def send(
        self, reply: Reply, *, key: bytes | None, sent: Callable[[], None], failed: Callable[[UndeliverableError], None]
    ) -> None:
        """Exactly one of the two is called, perhaps on the sending thread: they must not block. May wait for room."""
        size = len(reply.value or b"")
        try:
            if not self._existing.has(reply.topic):
                raise UndeliverableError("The topic does not exist.")
            self._sending.enter(size)
        except Exception as error:
            failed(_undeliverable(error))
            return
        try:
            future = self._send(reply, key=key)
        except Exception as error:
            self._sending.leave(size)
            failed(_undeliverable(error))
            return
        # First of all: a callback that raises must not keep the room.
        future.add_both(lambda _: self._sending.leave(size))
        future.add_callback(lambda _: sent())
        future.add_errback(lambda error: failed(_undeliverable(error)))

    def _send(self, reply: Reply, *, key: bytes | None) -> Any:
        return self._producer.send(
            reply.topic,
            value=b"" if reply.value is None else reply.value,
            key=key,
            headers=list(reply.headers),
            partition=reply.partition,
        )

    def close(self, *, seconds: float) -> None:
        self._existing.close()
        self._producer.close(timeout=seconds)


def _producer(client_id: str) -> KafkaProducer:
    return KafkaProducer(
        **broker.connection(client_id=client_id),
        value_serializer=_NullForEmpty(),
        delivery_timeout_ms=DELIVERY_MS,
        max_block_ms=METADATA_MS,
        max_request_size=MAX_MESSAGE_BYTES,
        batch_size=BATCH_BYTES,
        metrics_enabled=False,
    )


def _undeliverable(error: BaseException) -> UndeliverableError:
    if isinstance(error, UndeliverableError):
        return error
    kind = TooLargeError if isinstance(error, MessageSizeTooLargeError) else UndeliverableError
    return kind(f"{type(error).__name__}: {str(error)[:300]}")
