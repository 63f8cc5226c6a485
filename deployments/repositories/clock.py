"""The one clock by which waits end: PostgreSQL's. Processes' own clocks only date what is told."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """Return the time of this statement at the database: inside a transaction it goes on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (moment,) = cursor.fetchone()
    found: datetime = moment
    return found
