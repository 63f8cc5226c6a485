"""The `metadata` of a request: who asks and which request it is, in both spellings that callers use. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deployments.kafka_api import fields
from deployments.kafka_api.incoming import IncomingRecord

METADATA = "metadata"
MAX_TOKEN = 4096
BEARER = "bearer "


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What the caller claims; nothing here is believed yet. The token is secret."""

    user_id: UUID | None
    request_id: str
    session_token: str = field(repr=False)


def metadata_of(body: Mapping[str, Any], incoming: IncomingRecord) -> Metadata:
    """Return the request's metadata. Raises Invalid.

    A request without an id of its own is known by its correlation id, or else by its record.
    """
    section = fields.section(body, METADATA)
    spelled = {"userId": section.get("userId", section.get("user_id"))}
    request_id = _either(section, "requestId", "request_id") or correlation_text(incoming.correlation_id)
    return Metadata(
        user_id=fields.optional_uuid(spelled, "userId"),
        request_id=request_id or incoming.record_name,
        session_token=_token(section),
    )


def correlation_text(correlation_id: bytes) -> str:
    """Return the id as text that a database takes: itself where possible, else its digest."""
    text = correlation_id.decode("utf-8", "replace")
    if len(text) <= fields.MAX_ID and text.isprintable() and text.encode() == correlation_id:
        return text
    return hashlib.sha256(correlation_id).hexdigest()


def _either(section: Mapping[str, Any], camel: str, snake: str) -> str:
    return fields.text(section, camel, path="metadata.") or fields.text(section, snake, path="metadata.")


def _token(section: Mapping[str, Any]) -> str:
    for name in ("sessionToken", "session_token", "authorization"):
        value = section.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str) or len(value) > MAX_TOKEN or not (value.isascii() and value.isprintable()):
            raise fields.wrong(f"metadata.{name}", f"must be printable ASCII of at most {MAX_TOKEN} characters")
        return value[len(BEARER) :].strip() if value.lower().startswith(BEARER) else value
    return ""
