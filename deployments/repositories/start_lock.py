"""The lock of a deployment's start, across all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection


@contextmanager
def try_lock(*, deployment_id: UUID, seconds: int) -> Iterator[bool]:
    """Yield whether this process has the lock; it is released at the end, or when the process dies.

    No transaction is held and no row locked: whoever has it may ask slow services, but must speak to the database at
    least every `seconds`.
    """
    name = f"start:{deployment_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        row = cursor.fetchone()
        mine = bool(row and row[0])
        if mine:
            # The database ends a connection that is silent for longer: a process that is stopped or cut off does not
            # keep the lock for ever.
            cursor.execute("SELECT set_config('idle_session_timeout', %s, false)", [f"{seconds}s"])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
                cursor.execute("RESET idle_session_timeout")
