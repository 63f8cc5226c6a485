"""Reading a peer's reply: the platform's envelope in either shape, or a transport error. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deployments.errors import DeployError, Forbidden, Invalid, NotFound, PeerFailed, Unauthenticated
from deployments.kafka.reply import Reply
from deployments.wire import ERROR

MAX_TEXT = 500
KINDS: Mapping[str, type[DeployError]] = {
    "NOT_FOUND": NotFound,
    "FORBIDDEN": Forbidden,
    "UNAUTHORIZED": Unauthenticated,
    "VALIDATION_ERROR": Invalid,
}
# Codes of a peer that may well work a moment later.
TRANSIENT_CODES = frozenset({"INTERNAL_ERROR", "DATABASE_ERROR", "EXTERNAL_SERVICE_ERROR", "RATE_LIMIT_EXCEEDED"})


class PeerTroubled(PeerFailed):
    """The peer failed in a way that may pass: asking again is worth it."""


def body_of(reply: Reply, *, peer: str) -> Mapping[str, Any]:
    """Return the body of a success.

    Raises Forbidden, NotFound, Unauthenticated or Invalid where the peer says so, else PeerFailed, of which
    PeerTroubled may pass.
    """
    if reply.error is not None:
        raise transport_error(reply.error, peer=peer)
    body = parsed(reply.value)
    if not isinstance(body, dict):
        raise PeerFailed(f"{peer} answered something that is not an envelope.")
    error = member(body, "error")
    if body.get("status") == ERROR or isinstance(error, dict):
        raise business_error(error if isinstance(error, dict) else {}, peer=peer)
    return body


def member(body: Mapping[str, Any], name: str) -> Any:
    """Return the named part of an envelope: flat, under `result`, under `data` or under both. None for nowhere."""
    result = body.get("result")
    for holder in (body, result, body.get("data"), result.get("data") if isinstance(result, dict) else None):
        if isinstance(holder, dict) and name in holder:
            return holder[name]
    return None


def transport_error(raw: bytes, *, peer: str) -> DeployError:
    """Return the error of a `kafka_nest-err`: a guard refused, nobody handles the pattern, or the handler crashed."""
    error = parsed(raw)
    message = text_of(error.get("message") if isinstance(error, dict) else error)
    if "forbidden" in message.lower():
        return Forbidden(f"{peer} refused: {message}")
    kind = PeerTroubled if isinstance(error, dict) and error.get("status") == "error" else PeerFailed
    return kind(f"{peer} failed: {message}")


def business_error(error: Mapping[str, Any], *, peer: str) -> DeployError:
    code, message = str(error.get("code", "")), text_of(error.get("message"))
    details = error.get("details")
    texts = {text_of(key): text_of(value) for key, value in details.items()} if isinstance(details, dict) else {}
    kind = KINDS.get(code, PeerTroubled if code in TRANSIENT_CODES else PeerFailed)
    return kind(f"{peer}: {message}", details=texts)


def parsed(raw: bytes | None) -> Any:
    """Return the JSON value, or the text where it is not JSON, with marks for bytes that are not UTF-8."""
    text = (raw or b"").decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def text_of(value: Any) -> str:
    """Return a value as text that fits a sentence and the database."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)
    return "".join(character if character.isprintable() else " " for character in text)[:MAX_TEXT].strip()
