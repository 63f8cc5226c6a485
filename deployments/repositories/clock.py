"""The one clock by which waits end: PostgreSQL's. Processes' own clocks only date what is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection


@dataclass(slots=True)
class _Held:
    """The database's time, once it was asked, and the local clock when its answer was there."""

    moment: datetime | None = None
    at: float = 0.0


_held: ContextVar[_Held | None] = ContextVar("held", default=None)


def now() -> datetime:
    """Return the time of this statement at the database: inside a transaction it goes on."""
    held = _held.get()
    if held is None:
        return _asked()
    if held.moment is None:
        held.moment, held.at = _asked(), time.monotonic()
    return held.moment + timedelta(seconds=time.monotonic() - held.at)


@contextmanager
def asked_once() -> Iterator[None]:
    """Within it, ask the database once and count on from its answer, so that no wait ends early.

    For a round of work that lasts seconds: by what it takes the answer to come, it is behind the database.
    """
    token = _held.set(_Held())
    try:
        yield
    finally:
        _held.reset(token)


def _asked() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (moment,) = cursor.fetchone()
    found: datetime = moment
    return found
