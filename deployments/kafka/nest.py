"""NestJS's convention for request and reply over Kafka: the names of headers and of reply topics. Pure."""

from __future__ import annotations

CORRELATION_ID = "kafka_correlationId"
REPLY_TOPIC = "kafka_replyTopic"
REPLY_PARTITION = "kafka_replyPartition"
# Its value is an error that NestJS raises at the caller.
TRANSPORT_ERROR = "kafka_nest-err"
# With it a caller takes a reply for the one and only.
IS_DISPOSED = ("kafka_nest-is-disposed", b"\x00")
REPLY_SUFFIX = ".reply"


def reply_topic_of(topic: str) -> str:
    return topic + REPLY_SUFFIX
