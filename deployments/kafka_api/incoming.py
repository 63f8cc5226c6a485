"""A request as it lies on the broker, read by NestJS's Kafka convention. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments import json_input
from deployments.errors import Invalid
from deployments.kafka.nest import CORRELATION_ID, REPLY_PARTITION, REPLY_TOPIC

ATTEMPT = "x-attempt"
REPLAY = "x-dlq-replay"
ORIGINAL_RECORD = "x-dlq-original-record"
MAX_RECORD_NAME = 180
# Only topics made for replies: a request must not be able to make us write into another one.
REPLY_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,243}\.reply")
DIGITS = re.compile(r"[0-9]{1,9}")
OBJECT = re.compile(r"\s*\{")


class UnanswerableError(Exception):
    """The request asks for a reply at an address that cannot be one."""


@dataclass(frozen=True, kw_only=True)
class ReplyAddress:
    """Where the caller listens. Without a partition any will do; the correlation id goes back byte for byte."""

    topic: str
    partition: int | None
    correlation_id: bytes


@dataclass(frozen=True, kw_only=True)
class IncomingRecord:
    """One record of a request topic; the topic is the pattern. `timestamp_ms` is the sender's clock."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]

    @property
    def correlation_id(self) -> bytes:
        return self.headers.get(CORRELATION_ID, b"")

    @property
    def size(self) -> int:
        """Return how many bytes it has, about."""
        named = sum(len(name) + len(content) for name, content in self.headers.items())
        return len(self.value or b"") + len(self.key or b"") + named

    @property
    def is_event(self) -> bool:
        """Nobody waits for a reply."""
        return not (self.correlation_id and self.headers.get(REPLY_TOPIC))

    @property
    def is_replay(self) -> bool:
        return REPLAY in self.headers

    @property
    def record_name(self) -> str:
        """Return the name of this record, alike each time it is delivered or replayed."""
        # Only of a replay: anybody can set the header, and a request must not take the name of another, whose effect
        # would then count as its own.
        original = self.headers.get(ORIGINAL_RECORD, b"").decode("ascii", "replace") if self.is_replay else ""
        own = f"{self.topic}:{self.partition}:{self.offset}"
        return original if original.isprintable() and 0 < len(original) <= MAX_RECORD_NAME else own

    @property
    def attempt(self) -> int:
        """Return 1, or more for what was replayed."""
        raw = self.headers.get(ATTEMPT, b"").decode("ascii", "replace")
        return int(raw) if DIGITS.fullmatch(raw) else 1


def reply_address(incoming: IncomingRecord) -> ReplyAddress | None:
    """Return where to reply; None for an event. Raises UnanswerableError for a topic that is not one of replies."""
    if incoming.is_event:
        return None
    topic = incoming.headers[REPLY_TOPIC].decode("utf-8", "replace")
    if not REPLY_TOPIC_NAME.fullmatch(topic):
        raise UnanswerableError("The reply topic is not a topic of replies: its name must end with .reply.")
    raw = incoming.headers.get(REPLY_PARTITION)
    if raw is not None and not DIGITS.fullmatch(raw.decode("ascii", "replace")):
        raise UnanswerableError("The reply partition is not a number.")
    return ReplyAddress(
        topic=topic, partition=None if raw is None else int(raw), correlation_id=incoming.correlation_id
    )


def body_of(incoming: IncomingRecord) -> dict[str, Any]:
    """Return the request's JSON object. Raise Invalid for everything else; of it only a field's name is repeated."""
    content = incoming.value or b""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _refused("is not UTF-8") from None
    if not OBJECT.match(text):
        raise _refused("must be a JSON object")
    try:
        return json_input.read_object(content)
    except Invalid as error:
        if error.details:
            raise Invalid("The request cannot be read.", details=error.details) from None
        raise _refused("is not JSON, or deeper or with larger numbers than we read") from None


def _refused(why: str) -> Invalid:
    return Invalid("The request cannot be read.", details={"body": why})
