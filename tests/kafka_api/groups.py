"""Groups that begin with what is sent from now on: the broker holds the requests of earlier tests."""

from __future__ import annotations

from uuid import uuid4

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from deployments.kafka_api import request_topics


def new_group(broker: str) -> str:
    """The name of a group whose offsets are the ends of all our topics."""
    name = f"g-{uuid4().hex[:12]}"
    consumer = KafkaConsumer(bootstrap_servers=broker, group_id=name, enable_auto_commit=False, metrics_enabled=False)
    known = set(request_topics.names()) & consumer.topics()
    spots = [TopicPartition(topic, number) for topic in known for number in consumer.partitions_for_topic(topic)]
    consumer.assign(spots)
    ends = consumer.end_offsets(spots)
    consumer.commit({spot: OffsetAndMetadata(end, "", -1) for spot, end in ends.items()})
    consumer.close(autocommit=False)
    return name
