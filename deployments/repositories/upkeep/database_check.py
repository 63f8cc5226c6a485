"""Whether the database answers."""

from __future__ import annotations

from django.db import connection


def ping() -> None:
    """Raises DatabaseError when it does not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
