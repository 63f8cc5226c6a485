"""Whether the database answers."""

from __future__ import annotations

from django.db import connection


def ping() -> None:
    """Ask the database for nothing. Raises DatabaseError when it does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
