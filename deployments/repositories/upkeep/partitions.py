"""Tables by time: parts made ahead, and dropped as a whole when they are old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from psycopg import sql

LOCK = 7_201_010
# A writer or reader that holds the table longer than so has the next round try again.
LOCK_TIMEOUT = "2s"


@dataclass(frozen=True, kw_only=True)
class Parted:
    """A table whose parts are `step` long. Those that ended `keep` ago are dropped; `ahead` parts are made early."""

    table: str
    step: timedelta
    keep: timedelta
    ahead: int = 2

    def begin_of(self, moment: datetime) -> datetime:
        seconds = self.step.total_seconds()
        return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, tz=UTC)

    def name_of(self, begin: datetime) -> str:
        return f"{self.table}_{begin:%Y%m%d%H}"


def hold(parted: Parted, *, at: datetime) -> int:
    """Make the parts for now and the next ones, drop those that are old; return how many of both.

    One process does it at a time; another one changes nothing meanwhile.
    """
    changed = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        (mine,) = cursor.fetchone()
        if not mine:
            return 0
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        present = _parts(parted.table)
        for number in range(-1, parted.ahead + 1):
            begin = parted.begin_of(at) + number * parted.step
            if parted.name_of(begin) not in present:
                _make(parted, begin=begin)
                changed += 1
        oldest = parted.name_of(parted.begin_of(at - parted.keep))
        for name in sorted(present):
            if name < oldest:
                cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                changed += 1
    return changed


def _parts(table: str) -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return frozenset(name for (name,) in cursor.fetchall())


def _make(parted: Parted, *, begin: datetime) -> None:
    statement = sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
        sql.Identifier(parted.name_of(begin)),
        sql.Identifier(parted.table),
        sql.Literal(begin.isoformat()),
        sql.Literal((begin + parted.step).isoformat()),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def hold_for_now(parted: Parted, *, at: datetime) -> None:
    """Make the parts that are needed now, if they are missing; one question to the catalogue where they are not."""
    needed = parted.name_of(parted.begin_of(at))
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [needed])
        (there,) = cursor.fetchone()
    if not there:
        hold(parted, at=at)
