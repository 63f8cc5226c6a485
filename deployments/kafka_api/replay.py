"""Send dead letters again, each at least once and in order; its own group remembers how far it came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from deployments.errors import Invalid, Unauthenticated
from deployments.kafka import broker
from deployments.kafka_api import signatures
from deployments.kafka_api.dead_letters import Original, original_of
from deployments.kafka_api.incoming import IncomingRecord
from deployments.kafka_api.producer import DELIVERY_MS, ReplyProducer, UndeliverableError
from deployments.kafka_api.replies import Reply
from deployments.kafka_api.request_topics import DEAD_LETTERS

POLL_MS = 500
CLIENT_ID = "axion-deploy-replay"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One record of the dead letters."""

    spot: TopicPartition
    offset: int
    value: bytes


def replay(
    *, group: str, most: int, keys: Mapping[str, bytes], tell: Callable[[Letter, str], None], dry_run: bool = False
) -> int:
    """Send up to `most` letters again, oldest first; returns how many went out. `tell` hears of each what became of it.

    A crash in between sends one of them twice. Raises UndeliverableError, and what broker.BROKER_AWAY names.
    """
    consumer = KafkaConsumer(
        **broker.connection(client_id=CLIENT_ID),
        group_id=f"{group}-replay",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        metrics_enabled=False,
    )
    outbox = ReplyProducer(client_id=CLIENT_ID)
    sent = 0
    try:
        for letter in _letters(consumer):
            if sent >= most:
                break
            said = "would be sent" if dry_run else _send(outbox, letter, keys=keys)
            tell(letter, said)
            sent += said != UNREADABLE
            if not dry_run:
                consumer.commit({letter.spot: OffsetAndMetadata(letter.offset + 1, "", -1)})
    finally:
        consumer.close(autocommit=False)
        outbox.close(seconds=DELIVERY_MS / 1000)
    return sent


UNREADABLE = "left out: not a dead letter of ours"


def _letters(consumer: KafkaConsumer) -> Iterator[Letter]:
    """What lies there now and was not replayed yet."""
    spots = [TopicPartition(DEAD_LETTERS, number) for number in sorted(consumer.partitions_for_topic(DEAD_LETTERS))]
    consumer.assign(spots)
    ends: dict[TopicPartition, int] = consumer.end_offsets(spots)
    while any(consumer.position(spot) < ends[spot] for spot in spots):
        for spot, records in consumer.poll(timeout_ms=POLL_MS).items():
            for record in records:
                if record.offset < ends[spot]:
                    yield Letter(spot=spot, offset=record.offset, value=record.value or b"")


def _send(producer: ReplyProducer, letter: Letter, *, keys: Mapping[str, bytes]) -> str:
    try:
        original = signed_again(original_of(letter.value), keys=keys, now_ms=int(time.time() * 1000))
    except Invalid:
        return UNREADABLE
    record = Reply(topic=original.topic, partition=None, headers=tuple(original.headers.items()), value=original.value)
    done = threading.Event()
    failures: list[UndeliverableError] = []

    def failed(error: UndeliverableError) -> None:
        failures.append(error)
        done.set()

    producer.send(record, key=original.key, sent=done.set, failed=failed)
    done.wait(DELIVERY_MS / 1000 * 2)
    if failures or not done.is_set():
        raise failures[0] if failures else UndeliverableError("The broker did not answer in time.")
    return f"sent again to {original.topic}"


def signed_again(original: Original, *, keys: Mapping[str, bytes], now_ms: int) -> Original:
    """With a signature of now where the old one was true: its age must not keep a known service's request out."""
    if signatures.SIGNATURE not in original.headers:
        return original
    try:
        service = signatures.check(_as_incoming(original), keys=keys, now_ms=now_ms, any_age=True)
    except Unauthenticated:
        return original
    fresh = signatures.signed_headers(
        service=service,
        key=keys[service],
        at_ms=now_ms,
        topic=original.topic,
        headers=original.headers,
        value=original.value,
    )
    return Original(topic=original.topic, key=original.key, value=original.value, headers={**original.headers, **fresh})


def _as_incoming(original: Original) -> IncomingRecord:
    return IncomingRecord(
        topic=original.topic,
        partition=0,
        offset=0,
        timestamp_ms=0,
        key=original.key,
        value=original.value,
        headers=original.headers,
    )
