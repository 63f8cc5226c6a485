"""A service vouches for a request: HMAC-SHA-256 (RFC 2104) over all that decides what is done and who hears. Pure.

Headers: `x-axion-service` (its name), `x-axion-time` (epoch milliseconds), `x-axion-signature` (hex). Signed are these
lines, joined by one newline: `axion-kafka-v1`, the service, the time, the topic, the correlation id, the reply topic,
the reply partition (the last three empty when the header is absent), and the hex SHA-256 of the value (of nothing for a
null value).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from deployments.errors import Unauthenticated
from deployments.kafka.nest import CORRELATION_ID, REPLY_PARTITION, REPLY_TOPIC
from deployments.kafka_api.incoming import IncomingRecord

SERVICE = "x-axion-service"
TIME = "x-axion-time"
SIGNATURE = "x-axion-signature"
VERSION = b"axion-kafka-v1"
MAX_AGE_MS = 600_000
# Clocks of two machines differ.
MAX_AHEAD_MS = 60_000
TIME_DIGITS = 13


def signed_headers(
    *, service: str, key: bytes, at_ms: int, topic: str, headers: Mapping[str, bytes], value: bytes | None
) -> dict[str, bytes]:
    """Return the three headers that vouch for this request."""
    stamped = {SERVICE: service.encode(), TIME: str(at_ms).encode()}
    return {**stamped, SIGNATURE: _mac(key, topic, {**headers, **stamped}, value)}


def check(incoming: IncomingRecord, *, keys: Mapping[str, bytes], now_ms: int, any_age: bool = False) -> str:
    """Return the name of the service that signed. Raises Unauthenticated, alike for every reason but age."""
    service = incoming.headers.get(SERVICE, b"").decode("utf-8", "replace")
    key = keys.get(service)
    given = incoming.headers.get(SIGNATURE, b"")
    if key is None or not hmac.compare_digest(given, _mac(key, incoming.topic, incoming.headers, incoming.value)):
        raise Unauthenticated("The request carries no valid signature of a known service.")
    age = now_ms - _time(incoming)
    if not any_age and not -MAX_AHEAD_MS <= age <= MAX_AGE_MS:
        raise Unauthenticated("The signature is too old. Sign the request again.")
    return service


def _time(incoming: IncomingRecord) -> int:
    raw = incoming.headers.get(TIME, b"").decode("ascii", "replace")
    return int(raw) if len(raw) == TIME_DIGITS and raw.isdigit() else 0


def _mac(key: bytes, topic: str, headers: Mapping[str, bytes], value: bytes | None) -> bytes:
    lines = [
        VERSION,
        headers.get(SERVICE, b""),
        headers.get(TIME, b""),
        topic.encode(),
        headers.get(CORRELATION_ID, b""),
        headers.get(REPLY_TOPIC, b""),
        headers.get(REPLY_PARTITION, b""),
        hashlib.sha256(value or b"").hexdigest().encode(),
    ]
    return hmac.new(key, b"\n".join(lines), hashlib.sha256).hexdigest().encode()
