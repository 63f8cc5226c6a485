"""Replies: an envelope, flat and once more under `result`, or a transport error. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.kafka.nest import CORRELATION_ID, IS_DISPOSED, TRANSPORT_ERROR
from deployments.kafka_api.incoming import ReplyAddress
from deployments.wire import ERROR, SUCCESS

# What NestJS sends when a handler crashes.
CRASHED: Mapping[str, Any] = {"status": "error", "message": "Internal server error"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Either an envelope or a transport error, which NestJS raises at the caller. `code` is empty for a success.

    `content` is an envelope in bytes, in place of `body`.
    """

    body: Mapping[str, Any] | None = None
    content: bytes | None = None
    transport_error: Mapping[str, Any] | str | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One record to send."""

    topic: str
    partition: int | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


def success(payload: Mapping[str, Any]) -> Answer:
    return Answer(body={"status": SUCCESS, **payload, "result": dict(payload)})


def failure(*, code: str, message: str, details: Mapping[str, str] | None = None) -> Answer:
    error = {"code": code, "message": message, "details": dict(details or {})}
    body = {"status": ERROR, "error": error, "result": {"error": error}}
    return Answer(body=body, code=code, message=message)


def not_signed_in(message: str) -> Answer:
    """Return what NestJS's guards answer, before any handler, when there is no identity."""
    error = {"status": "error", "message": message, "code": "UNAUTHORIZED"}
    return Answer(transport_error=error, code="UNAUTHORIZED", message=message)


def crashed() -> Answer:
    """Return the answer to a fault of ours, which says nothing about it."""
    return Answer(transport_error=CRASHED, code="INTERNAL_ERROR", message=str(CRASHED["message"]))


def unknown_pattern(topic: str) -> Answer:
    message = f"There is no handler for the pattern {topic}."
    return Answer(transport_error=message, code="NOT_FOUND", message=message)


def reply_to(address: ReplyAddress, answer: Answer) -> Reply:
    """Return the record that NestJS's client takes for the one and only answer."""
    headers = [(CORRELATION_ID, address.correlation_id), IS_DISPOSED]
    value = None
    if answer.transport_error is not None:
        headers.append((TRANSPORT_ERROR, _error_bytes(answer.transport_error)))
    else:
        value = encoded(answer)
    return Reply(topic=address.topic, partition=address.partition, headers=tuple(headers), value=value)


def encoded(answer: Answer) -> bytes:
    """Return the envelope of an answer that is no transport error."""
    if answer.content is not None:
        return answer.content
    return json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False).encode()


def _error_bytes(error: Mapping[str, Any] | str) -> bytes:
    return error.encode() if isinstance(error, str) else json.dumps(error, separators=(",", ":")).encode()
