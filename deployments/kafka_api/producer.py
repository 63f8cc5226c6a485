"""Sending replies and dead letters: acknowledged by all replicas, or an error within a deadline."""

from __future__ import annotations

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
METADATA_MS = 3_000


class UndeliverableError(Exception):
    """The record did not reach its topic. The text is fit for a dead letter."""


class TooLargeError(UndeliverableError):
    """Larger than the topic or we allow."""


class _NullForEmpty(Serializer):  # type: ignore[misc]  # the library publishes no types
    """The library refuses a record without key and value, which is what a transport error is."""

    def serialize(self, topic: str, headers: Any, data: bytes) -> bytes | None:  # noqa: ARG002 - the library's
        return data or None


class ReplyProducer:
    """Safe for threads. Bounded by what the caller has underway."""

    def __init__(self, *, client_id: str) -> None:
        """Raises what broker.BROKER_AWAY names when no broker answers."""
        self._existing = ExistingTopics(client_id=client_id)
        try:
            self._producer = _producer(client_id)
        except BaseException:
            self._existing.close()
            raise

    def send(
        self, reply: Reply, *, key: bytes | None, sent: Callable[[], None], failed: Callable[[UndeliverableError], None]
    ) -> None:
        """Exactly one of the two is called, perhaps on the sending thread: they must not block."""
        try:
            if not self._existing.has(reply.topic):
                raise UndeliverableError("The topic does not exist.")
            future = self._producer.send(
                reply.topic,
                value=b"" if reply.value is None else reply.value,
                key=key,
                headers=list(reply.headers),
                partition=reply.partition,
            )
        except Exception as error:
            failed(_undeliverable(error))
            return
        future.add_callback(lambda _: sent())
        future.add_errback(lambda error: failed(_undeliverable(error)))

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
