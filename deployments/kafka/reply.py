"""What becomes of a request over Kafka. Loads no Kafka library: who asks nobody needs none."""

from __future__ import annotations

from dataclasses import dataclass


class NoReplyError(Exception):
    """No reply came in time. Whether the request was read is not known."""


class NotSentError(NoReplyError):
    """The request did not get out."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back: a value, or a transport error."""

    value: bytes | None
    error: bytes | None
