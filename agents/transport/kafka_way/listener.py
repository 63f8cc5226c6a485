"""The thread that reads what agents write to the broker: each agent's topic by one gateway process at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog
from kafka import KafkaConsumer
from kafka.consumer.subscription_state import ConsumerRebalanceListener

from agents.backoff import Backoff
from agents.kafka_link.envelopes import EVERY_EVENTS_TOPIC, SIGNATURE, agent_of
from agents.kafka_link.sender import BROKER_AWAY, Connection

POLL_MS = 200
# All that was fetched, each time: the library never returns to a partition that is paused halfway through a fetch.
MAX_PER_POLL = 1_000_000
FETCH_BYTES = 8 * 1024 * 1024
PARTITION_BYTES = 1024 * 1024
# So soon a new agent's topic is noticed.
METADATA_MS = 5_000
SESSION_MS = 10_000
HEARTBEAT_MS = 3_000
RETRY = Backoff(first=0.5, most=10.0)
JOIN_SECONDS = 5.0
NAME = "axion-deploy-agents"
logger = structlog.get_logger(__name__)
OnRecord = Callable[[UUID, bytes, bytes], None]


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the library publishes no types
    """`on_record(agent_id, value, signature)` and `on_lost(agent_ids)` are called in this thread.

    Nothing is committed: what agents tell counts only within a link, and they tell it again until it is acknowledged.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        group: str,
        on_record: OnRecord,
        on_lost: Callable[[frozenset[UUID]], None],
        is_full: Callable[[UUID], bool],
    ) -> None:
        self._connection = connection
        self._group = group
        self._on_record = on_record
        self._on_lost = on_lost
        self._is_full = is_full
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Leave the group. Blocks for seconds at most."""
        self._stopped.set()
        self._thread.join(timeout=JOIN_SECONDS)

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        logger.info("agents to be served over the broker", count=len(list(assigned)))

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Another gateway serves these agents from now on."""
        agents = {agent_of(partition.topic) for partition in revoked}
        self._on_lost(frozenset(filter(None, agents)))

    def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        self.on_partitions_revoked(lost)

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            try:
                self._listen()
                failures = 0
            except BROKER_AWAY as error:
                failures += 1
                logger.warning("broker unavailable, retrying", what="agents", error=str(error))
            except Exception:
                failures += 1
                logger.exception("listening for agents failed, retrying")
            self._stopped.wait(RETRY.pause(failures=max(1, failures)))

    def _listen(self) -> None:
        consumer = KafkaConsumer(
            **self._connection(NAME),
            group_id=self._group,
            enable_auto_commit=False,
            # Before we listened nobody can have had a link with us.
            auto_offset_reset="latest",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            metadata_max_age_ms=METADATA_MS,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_BYTES,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        try:
            consumer.subscribe(pattern=EVERY_EVENTS_TOPIC, listener=self)
            while not self._stopped.is_set():
                for partition, records in consumer.poll(timeout_ms=POLL_MS, max_records=MAX_PER_POLL).items():
                    self._take(partition.topic, records)
                self._balance(consumer)
        finally:
            consumer.close(autocommit=False, timeout_ms=int(JOIN_SECONDS * 1000))

    def _take(self, topic: str, records: Iterable[Any]) -> None:
        agent_id = agent_of(topic)
        for record in records:
            headers: Mapping[str, bytes | None] = dict(record.headers)
            if agent_id is not None and record.value is not None:
                self._on_record(agent_id, record.value, headers.get(SIGNATURE) or b"")

    def _balance(self, consumer: KafkaConsumer) -> None:
        """Read those no further whose calls are behind, until they are not."""
        held, paused = consumer.assignment(), consumer.paused()
        full = {each for each in held if (agent := agent_of(each.topic)) is not None and self._is_full(agent)}
        if full - paused:
            consumer.pause(*(full - paused))
        if paused - full:
            consumer.resume(*(paused - full))
