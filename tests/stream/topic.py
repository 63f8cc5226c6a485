"""What lies on the topic of events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from deployments.kafka.event_stream import TOPIC


def events_on(broker: str, *, topic: str = TOPIC) -> Iterator[dict[str, Any]]:
    """All that is there by now, repeats too, those of one deployment or stack in the order of their arrival."""
    consumer = KafkaConsumer(bootstrap_servers=[broker], metrics_enabled=False)
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(each) < ends[each] for each in partitions):
            for record in (record for batch in consumer.poll(timeout_ms=1000).values() for record in batch):
                event: dict[str, Any] = json.loads(record.value)
                key = event["deploymentId"] if topic == TOPIC else f"{event['projectId']}@{event['serverId']}"
                assert record.key.decode() == key
                yield event
    finally:
        consumer.close()
