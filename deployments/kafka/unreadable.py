"""Records that the library cannot decode: skipped, or they would hold up their partition for ever.

What follows such a record in its batch cannot be decoded either, and is skipped too: one producer sent them all.
"""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, UnsupportedCodecError

UNREADABLE = (CorruptRecordError, UnsupportedCodecError)


def skip_record(consumer: KafkaConsumer) -> tuple[TopicPartition, int] | None:
    """Move on by one record after a poll raised one of UNREADABLE; return which, None when that is not known."""
    # The error does not say where. The library's fetcher does, in a field that is not public: it keeps what it was
    # reading when it raised.
    reading = getattr(consumer._fetcher, "_next_partition_records", None)
    if reading is None or reading.topic_partition not in consumer.assignment():
        return None
    partition: TopicPartition = reading.topic_partition
    offset: int = consumer.position(partition)
    consumer.seek(partition, offset + 1)
    return partition, offset
