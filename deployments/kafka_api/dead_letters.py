"""What could not be answered, kept for people and for a replay, in the shape that the platform's other services use.

`originalPayload` is masked; the original itself is sealed beside it, so that no secret lies in the topic and nobody but
us can make a dead letter that is replayed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.errors import Invalid
from deployments.event_types import epoch_ms
from deployments.kafka_api.incoming import ATTEMPT, ORIGINAL_RECORD, REPLAY, IncomingRecord, body_of
from deployments.kafka_api.metadata import METADATA, correlation_text
from deployments.kafka_api.replies import Reply
from deployments.kafka_api.request_topics import DEAD_LETTERS
from deployments.services.secrets import sealing
from deployments.wire import MASK

SERVICE_NAME = "deployment-service"
SEALED = "sealedOriginal"
ORIGINAL_TOPIC = "x-dlq-original-topic"
ORIGINAL_ATTEMPT = "x-dlq-original-attempt"
SHOWN_HEADERS = ("kafka_", "x-")
SECRET_HEADERS = frozenset({"x-axion-signature"})
# Anything else could be a secret in the wrong place.
SHOWN_FIELDS = (
    "projectId",
    "deploymentId",
    "targetDeploymentId",
    "serverId",
    "serverLabel",
    "clusterId",
    "statusFilter",
)
SHOWN_METADATA = ("userId", "user_id", "projectId", "project_id", "requestId", "request_id", "timestamp")


@dataclass(frozen=True, kw_only=True)
class Original:
    """What is sent again."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


def dead_letter(incoming: IncomingRecord, *, code: str, name: str, message: str, at: datetime) -> Reply:
    """The record for the dead letters' topic. Its key is the original's, to be given to the producer."""
    letter = {
        "originalTopic": incoming.topic,
        "originalKey": None if incoming.key is None else incoming.key.decode("utf-8", "replace"),
        "originalHeaders": _shown_headers(incoming),
        "originalPayload": _masked_payload(incoming),
        "attempt": incoming.attempt,
        "error": {"message": message, "stack": "", "code": code, "name": name},
        "dlqTimestamp": epoch_ms(at),
        "serviceName": SERVICE_NAME,
        "messagePattern": incoming.topic,
        "correlationId": correlation_text(incoming.correlation_id),
        SEALED: sealing.seal_letter(original=_packed(incoming)),
    }
    return Reply(topic=DEAD_LETTERS, partition=None, headers=(), value=json.dumps(letter).encode())


def original_of(letter: bytes) -> Original:
    """What to send again: the original with marks that it is a replay. Raises Invalid when it is not one of ours."""
    try:
        packed = json.loads(sealing.unseal_letter(sealed=str(json.loads(letter)[SEALED])))
    except (ValueError, KeyError, TypeError, sealing.CannotUnsealError):
        raise Invalid("This is no dead letter of ours.", details={SEALED: "does not open"}) from None
    headers = {name: base64.b64decode(value) for name, value in packed["headers"].items()}
    attempt = str(packed["attempt"])
    marks = {
        REPLAY: "true",
        ORIGINAL_TOPIC: packed["topic"],
        ORIGINAL_ATTEMPT: attempt,
        ATTEMPT: str(int(attempt) + 1),
        ORIGINAL_RECORD: packed["record"],
    }
    return Original(
        topic=packed["topic"],
        key=_unpacked(packed["key"]),
        value=_unpacked(packed["value"]),
        headers={**headers, **{name: text.encode() for name, text in marks.items()}},
    )


def _packed(incoming: IncomingRecord) -> str:
    headers = {name: base64.b64encode(value).decode() for name, value in incoming.headers.items()}
    whole = {
        "topic": incoming.topic,
        "record": incoming.record_name,
        "attempt": incoming.attempt,
        "key": None if incoming.key is None else base64.b64encode(incoming.key).decode(),
        "value": None if incoming.value is None else base64.b64encode(incoming.value).decode(),
        "headers": headers,
    }
    return json.dumps(whole)


def _unpacked(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _shown_headers(incoming: IncomingRecord) -> dict[str, str]:
    return {
        name: MASK if name in SECRET_HEADERS else value.decode("utf-8", "replace")
        for name, value in incoming.headers.items()
        if name.startswith(SHOWN_HEADERS)
    }


def _masked_payload(incoming: IncomingRecord) -> dict[str, Any] | None:
    """The request without what may be secret; nothing of a value that is no JSON object."""
    try:
        body = body_of(incoming)
    except Invalid:
        return None
    shown = {name: body[name] for name in SHOWN_FIELDS if name in body}
    if isinstance(body.get("envVars"), dict):
        shown["envVars"] = dict.fromkeys(body["envVars"], MASK)
    if isinstance(body.get(METADATA), dict):
        shown[METADATA] = {name: body[METADATA][name] for name in SHOWN_METADATA if name in body[METADATA]}
    return shown
