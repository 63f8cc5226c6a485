"""Statements that the database plans once per connection, for what is asked most often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from django.db import connection


def fetch_one(sql: LiteralString, parameters: Sequence[object]) -> tuple[Any, ...] | None:
    """Return the first row, or None; within the transaction that is open, if any. Raises Django's errors.

    Django has the client write the values into the text, so that each statement is planned anew: with several joins
    that takes longer than the answer. JSON comes as text, as everywhere beside the ORM.
    """
    with _executed(sql, parameters) as cursor:
        return cursor.fetchone()


def fetch_all(sql: LiteralString, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """Return all rows; otherwise as fetch_one."""
    with _executed(sql, parameters) as cursor:
        return cursor.fetchall()


@contextmanager
def _executed(sql: LiteralString, parameters: Sequence[object]) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor.execute(sql, parameters, prepare=True)
