"""Sending replies and dead letters: acknowledged by all replicas, or an error within a deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError
from kafka.serializer import Serializer

from deployments.intake.answers import Reply

LARGEST_MESSAGE = 8 * 1024 * 1024
DELIVERY_MS = 20_000
REQUEST_MS = 10_000
BOOTSTRAP_MS = 5_000
# Also how long a reply topic that does not exist holds a thread.
METADATA_MS = 3_000


class UndeliverableError(Exception):
    """The record did not reach its topic. The text is fit for a dead letter."""


class TooLargeError(UndeliverableError):
    """Larger than the topic or we allow."""


class _NullForEmpty(Serializer):  # type: ignore[misc]  # the library publishes no types
    """The library refuses a record without key and value, which is what a transport error is."""

    def serialize(self, topic: str, headers: Any, data: bytes) -> bytes | None:  # noqa: ARG002 - the library's
        return data or None


class Outbox:
    """Safe for threads. Bounded by what the caller has underway."""

    def __init__(self, *, brokers: Sequence[str], client_id: str) -> None:
        """Raises KafkaError when no broker answers."""
        self._producer = KafkaProducer(
            bootstrap_servers=list(brokers),
            client_id=client_id,
            value_serializer=_NullForEmpty(),
            delivery_timeout_ms=DELIVERY_MS,
            request_timeout_ms=REQUEST_MS,
            max_block_ms=METADATA_MS,
            max_request_size=LARGEST_MESSAGE,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            metrics_enabled=False,
        )

    def send(
        self, reply: Reply, *, key: bytes | None, sent: Callable[[], None], failed: Callable[[UndeliverableError], None]
    ) -> None:
        """Exactly one of the two is called, perhaps on the sending thread: they must not block."""
        try:
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
        self._producer.close(timeout=seconds)


def _undeliverable(error: BaseException) -> UndeliverableError:
    kind = TooLargeError if isinstance(error, MessageSizeTooLargeError) else UndeliverableError
    return kind(f"{type(error).__name__}: {str(error)[:300]}")
