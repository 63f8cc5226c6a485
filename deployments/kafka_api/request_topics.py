"""The topics of requests to this service, of their replies and of the dead letters."""

from __future__ import annotations

import re
from typing import Any

from deployments.kafka import topics
from deployments.kafka.event_stream import STREAMS
from deployments.kafka.nest import reply_topic_of
from deployments.kafka_api.handlers import HEALTH, PATTERNS
from deployments.kafka_api.producer import MAX_MESSAGE_BYTES

DEAD_LETTERS = "deployment-service-dlq"
# Requests hold tokens and values; older than ten minutes they have no effect, and nobody waits for their replies.
RETENTION_MS = 15 * 60 * 1000
# Every request topic of this service, also one we have no handler for: its callers are told so instead of waiting.
# What we write ourselves is none: each event would become a dead letter.
_OURS = "|".join(re.escape(stream.topic) for stream in STREAMS)
SUBSCRIPTION = rf"^(?!(?:{_OURS})$)(deployment-service\.(?!.*\.reply$).+|health\.check)$"


def names() -> tuple[str, ...]:
    requests = (*PATTERNS, HEALTH)
    return (*requests, *map(reply_topic_of, requests), DEAD_LETTERS)


def create_missing(*, partitions: int) -> tuple[str, ...]:
    """Create those that do not exist; return their names. Raises what broker.BROKER_AWAY names."""
    return topics.create_missing(names(), options={name: _options(name, partitions=partitions) for name in names()})


def _options(name: str, *, partitions: int) -> dict[str, Any]:
    configs = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
    if name != DEAD_LETTERS:
        configs["retention.ms"] = str(RETENTION_MS)
    return {"num_partitions": partitions, "configs": configs}
