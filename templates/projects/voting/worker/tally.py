"""The table of votes: one row per voter, the latest ballot wins however often or in which order ballots arrive."""

from collections.abc import Sequence

import psycopg
from queue_of_votes import Ballot

CHANNEL = "votes_changed"
CREATE_LOCK = 7_301_964
CREATE = """
    CREATE TABLE IF NOT EXISTS votes (
        voter text PRIMARY KEY,
        choice text NOT NULL,
        cast_at timestamptz NOT NULL
    )
"""
STORE = """
    INSERT INTO votes (voter, choice, cast_at) VALUES (%s, %s, %s)
    ON CONFLICT (voter) DO UPDATE SET choice = excluded.choice, cast_at = excluded.cast_at
    WHERE excluded.cast_at > votes.cast_at
"""


def connect(url: str) -> psycopg.Connection:
    """An open connection with the table in place."""
    connection = psycopg.connect(url, connect_timeout=3, keepalives_idle=10, autocommit=True)
    with connection.transaction():
        # Two workers that start together would both try to create the table, and one of them would fail.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [CREATE_LOCK])
        connection.execute(CREATE)
    return connection


def store(connection: psycopg.Connection, ballots: Sequence[Ballot]) -> None:
    """One transaction; the listeners of CHANNEL hear of it after the commit."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(STORE, [(ballot.voter, ballot.choice, ballot.cast_at) for ballot in ballots])
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
