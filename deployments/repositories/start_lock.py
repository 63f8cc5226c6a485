"""Who is at work on a deployment's start right now, across all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection


@contextmanager
def try_lock(*, deployment_id: UUID, seconds: int) -> Iterator[bool]:
    """True for the one that may prepare it now, False for others meanwhile. Ends with the process that has it.

    Holds no transaction and locks no row: who has it may ask slow services, but not for longer than `seconds` without a
    word to the database, which then ends the connection. So one that is stopped or cut off does not have it for ever.
    """
    name = f"start:{deployment_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        row = cursor.fetchone()
        mine = bool(row and row[0])
        if mine:
            cursor.execute("SELECT set_config('idle_session_timeout', %s, false)", [f"{seconds}s"])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
                cursor.execute("RESET idle_session_timeout")
