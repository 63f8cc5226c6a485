"""One effect per Idempotency-Key: a repeat of a request changes nothing, another request under its key is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.errors import Conflict
from deployments.repositories import clock, request_keys
from deployments.repositories.request_keys import KeptRequest
from deployments.types import Caller

# Kept at least this long after the first use.
KEPT = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a door answered. `repeated` when it is the answer to an earlier request."""

    status: int
    body: Mapping[str, Any]
    location: str = ""
    repeated: bool = False


def answer_once(*, caller: Caller, key: str, fingerprint: str, act: Callable[[], Answer], keep: bool) -> Answer:
    """Store key, effect and answer in one transaction, all or none; return the answer, the first one for a repeat.

    Without `keep` (answers that hold a secret) a repeat is a Conflict that says so. Raises Conflict for a key that
    meant another request, and what `act` raises: then the key is free again.
    """
    with transaction.atomic():
        earlier = _claim(caller=caller, key=key, fingerprint=fingerprint)
        if earlier is not None and earlier.status is not None:
            return Answer(status=earlier.status, body=earlier.answer, location=earlier.location, repeated=True)
        if earlier is not None:
            raise Conflict(
                sentence(
                    "This request was already carried out, and its response was not kept. Use a new key to repeat it."
                ),
                details={"Idempotency-Key": sentence("used before")},
            )
        answer = act()
        if keep:
            request_keys.keep_answer(
                user_id=caller.user_id, key=key, status=answer.status, answer=answer.body, location=answer.location
            )
    return answer


def claim(*, caller: Caller, key: str, fingerprint: str) -> None:
    """Make the key mean this request, for use cases that know a repeat by its request id themselves.

    Opens its own transaction. Raises Conflict for a key that means another one.
    """
    with transaction.atomic():
        _claim(caller=caller, key=key, fingerprint=fingerprint)


def release(*, caller: Caller, key: str) -> None:
    """Free the key after a refusal: nothing happened, so it may mean another request."""
    request_keys.release(user_id=caller.user_id, key=key)


def _claim(*, caller: Caller, key: str, fingerprint: str) -> KeptRequest | None:
    """Return None when the key is new, else the first request under it. Inside a transaction."""
    if request_keys.take(user_id=caller.user_id, key=key, fingerprint=fingerprint):
        return None
    earlier = request_keys.get(user_id=caller.user_id, key=key)
    if earlier is None:
        return None
    if earlier.fingerprint != fingerprint:
        raise Conflict(
            sentence("This key was used for another request. Use a new one, or repeat the request as it was."),
            details={"Idempotency-Key": sentence("used for another request")},
        )
    return earlier


def forget_old_keys(*, limit: int) -> int:
    """Delete keys that are kept no longer; returns how many."""
    return request_keys.forget(before=clock.now() - KEPT, limit=limit)
