"""Statements that the database plans once per connection, for what is asked most often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from django.db import connection


def fetch_one(sql: LiteralString, parameters: Sequence[object]) -> tuple[Any, ...] | None:
    """Return the first row, or None; within the transaction that is open, if any. Raises Django's errors.

    Django has the client write the values into the text, so that each statement is planned anew: with several joins
    that takes longer than the answer. JSON comes as text, as everywhere beside the ORM.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(sql, parameters, prepare=True).fetchone()
