"""Records that the library cannot decode: found and passed over, or they would hold up their partition for ever.

What follows such a record in its batch cannot be decoded either, and is passed over too: one producer sent them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, UnsupportedCodecError

UNREADABLE = (CorruptRecordError, UnsupportedCodecError)
POLL_MS = 300


def pass_over(
    consumer: KafkaConsumer, *, most_per_poll: int, take: Callable[[Any], None]
) -> list[tuple[TopicPartition, int]]:
    """After a poll raised one of UNREADABLE, which does not say where: read each partition that has something alone.

    Gives what can be read to `take` and moves on by one record where it cannot; returns those records' offsets. Leaves
    partitions paused.
    """
    passed = []
    held = consumer.assignment()
    for spot in sorted(held - consumer.paused()):
        highwater = consumer.highwater(spot)
        if highwater is not None and consumer.position(spot) >= highwater:
            continue
        consumer.pause(*held)
        consumer.resume(spot)
        try:
            for records in consumer.poll(timeout_ms=POLL_MS, max_records=most_per_poll).values():
                for record in records:
                    take(record)
        except UNREADABLE:
            offset = consumer.position(spot)
            consumer.seek(spot, offset + 1)
            passed.append((spot, offset))
    return passed
