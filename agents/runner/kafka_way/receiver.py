"""The thread that reads what the control plane writes for this agent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from kafka import KafkaConsumer, TopicPartition

from agents.kafka_link.envelopes import SIGNATURE
from agents.kafka_link.sender import BROKER_AWAY, Connection

POLL_MS = 200
METADATA_MS = 10_000
FETCH_BYTES = 4 * 1024 * 1024
JOIN_SECONDS = 2.0
logger = logging.getLogger(__name__)


class Receiver:
    """Reads from now on; what was written before belongs to no link of ours. One per link.

    `on_record(value, signature)` and `on_failed()` are called in this thread.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        topic: str,
        on_record: Callable[[bytes, bytes], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._connection = connection
        self._partition = TopicPartition(topic, 0)
        self._on_record = on_record
        self._on_failed = on_failed
        self._stopped = threading.Event()
        self.listens = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-commands", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it does so within a poll."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            self._receive()
        except BROKER_AWAY as error:
            self._on_failed(error)
        except Exception as error:
            logger.exception("reading commands from the broker failed")
            self._on_failed(error)

    def _receive(self) -> None:
        consumer = KafkaConsumer(
            **self._connection("axion-agent"),
            enable_auto_commit=False,
            auto_offset_reset="latest",
            metadata_max_age_ms=METADATA_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        try:
            consumer.assign([self._partition])
            consumer.seek_to_end(self._partition)
            # Only now it is known from where on we read, and nothing that is sent to us afterwards is missed.
            consumer.position(self._partition)
            self.listens.set()
            while not self._stopped.is_set():
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    for record in records:
                        headers: Mapping[str, bytes | None] = dict(record.headers)
                        if record.value is not None:
                            self._on_record(record.value, headers.get(SIGNATURE) or b"")
        finally:
            consumer.close(timeout_ms=int(JOIN_SECONDS * 1000))
