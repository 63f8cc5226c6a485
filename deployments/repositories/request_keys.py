"""Idempotency-Keys that were used, with what, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from deployments.errors import Conflict
from deployments.models import RequestKey

WAIT_FOR_FIRST = "10s"
TAKE = """
INSERT INTO request_keys (user_id, key, fingerprint, location, created_at)
VALUES (%s, %s, %s, '', statement_timestamp())
ON CONFLICT (user_id, key) DO NOTHING
"""


@dataclass(frozen=True, kw_only=True)
class KeptRequest:
    """`status` is None when no answer is kept."""

    fingerprint: str
    status: int | None
    answer: Mapping[str, Any]
    location: str


def take(*, user_id: UUID, key: str, fingerprint: str) -> bool:
    """Store the key; return False when it was stored before. Inside a transaction.

    A key that another transaction has just stored is waited for until that ends, WAIT_FOR_FIRST at most: then Conflict
    is raised.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WAIT_FOR_FIRST])
            cursor.execute(TAKE, [user_id, key, fingerprint])
            taken: bool = cursor.rowcount == 1
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Conflict("The first request with this key is still being worked on. Ask again later.") from error
        raise
    return taken


def get(*, user_id: UUID, key: str) -> KeptRequest | None:
    row = RequestKey.objects.filter(user_id=user_id, key=key).first()
    if row is None:
        return None
    return KeptRequest(
        fingerprint=row.fingerprint, status=row.answer_status, answer=row.answer or {}, location=row.location
    )


def keep_answer(*, user_id: UUID, key: str, status: int, answer: Mapping[str, Any], location: str) -> None:
    RequestKey.objects.filter(user_id=user_id, key=key).update(
        answer_status=status, answer=dict(answer), location=location
    )


def release(*, user_id: UUID, key: str) -> None:
    """Make the key usable again. What was answered already stays."""
    RequestKey.objects.filter(user_id=user_id, key=key, answer_status__isnull=True).delete()


def forget(*, before: datetime, limit: int) -> int:
    """Delete the oldest keys, at most `limit`; return how many."""
    old = RequestKey.objects.filter(created_at__lt=before).order_by("created_at").values("pk")[:limit]
    deleted, _ = RequestKey.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    return deleted
