"""Records that the library cannot decode: found and passed over, or they would hold up their partition for ever.

What follows such a record in its batch cannot be decoded either, and is passed over too: one producer sent them all.
"""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, UnsupportedCodecError

UNREADABLE = (CorruptRecordError, UnsupportedCodecError)


def pass_over(consumer: KafkaConsumer) -> tuple[TopicPartition, int] | None:
    """After a poll raised one of UNREADABLE: move on by one record; returns which, None when it cannot be told.

    The error does not say where. The library's fetcher does, in a field that is not public: it keeps what it was
    reading when it raised.
    """
    reading = getattr(consumer._fetcher, "_next_partition_records", None)
    if reading is None or reading.topic_partition not in consumer.assignment():
        return None
    spot: TopicPartition = reading.topic_partition
    offset: int = consumer.position(spot)
    consumer.seek(spot, offset + 1)
    return spot, offset
