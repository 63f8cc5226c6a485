"""python -m tests.bench.echo BROKER TOPIC: the least that a kafka-python program does to answer as NestJS does."""

from __future__ import annotations

import sys

from kafka import KafkaConsumer, KafkaProducer


def main(broker: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker)
    for record in KafkaConsumer(topic, bootstrap_servers=broker, group_id="echo", auto_offset_reset="earliest"):
        headers = dict(record.headers)
        producer.send(
            headers["kafka_replyTopic"].decode(),
            record.value,
            partition=int(headers["kafka_replyPartition"]),
            headers=[("kafka_correlationId", headers["kafka_correlationId"])],
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
