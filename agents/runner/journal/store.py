"""The state directory and its one SQLite file: every commit is on the disk before it returns.

The file names the version of its schema. An older one is brought forward when it is opened, step by step, each step
whole or not at all; a newer one, and one that is damaged, is refused as it is.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.runner.errors import JournalDamagedError, JournalTooNewError, StateDirBusyError
from agents.runner.journal.writes import Writes

FIRST = """
CREATE TABLE IF NOT EXISTS lanes (lane TEXT PRIMARY KEY, highest INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, lane TEXT NOT NULL, number INTEGER NOT NULL, deployment TEXT NOT NULL, kind TEXT NOT NULL,
    payload BLOB NOT NULL, finished INTEGER NOT NULL DEFAULT 0, last_report INTEGER NOT NULL DEFAULT 0,
    percent INTEGER NOT NULL DEFAULT 0, log_bytes INTEGER NOT NULL DEFAULT 0, UNIQUE (lane, number)) STRICT;
CREATE TABLE IF NOT EXISTS reports (
    position INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (command, number)) STRICT;
CREATE TABLE IF NOT EXISTS led (container TEXT PRIMARY KEY, stack TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS stacks (stack TEXT PRIMARY KEY, current TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS releases (
    position INTEGER PRIMARY KEY AUTOINCREMENT, deployment TEXT NOT NULL UNIQUE, stack TEXT NOT NULL,
    base TEXT NOT NULL, payload BLOB NOT NULL, phase TEXT NOT NULL, owners TEXT NOT NULL DEFAULT '{}',
    images TEXT NOT NULL DEFAULT '{}', before TEXT NOT NULL DEFAULT '{}', failure TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE IF NOT EXISTS retention (id INTEGER PRIMARY KEY CHECK (id = 1), payload BLOB NOT NULL) STRICT;
"""
# What a command ended with, so that its repeat is answered; commands that wait for the control plane to confirm them;
# and who the journal is and whom it serves.
SECOND = """
ALTER TABLE commands ADD COLUMN final BLOB;
ALTER TABLE commands ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO facts VALUES ('journal', lower(hex(randomblob(16))));
"""
# Where images keep data by themselves.
THIRD = """
CREATE TABLE image_volumes (
    stack TEXT NOT NULL, node TEXT NOT NULL, path TEXT NOT NULL, volume TEXT NOT NULL,
    PRIMARY KEY (stack, node, path)) STRICT;
"""
# Which jobs of a deployment were begun, and how each ended.
FOURTH = """
CREATE TABLE job_runs (
    deployment TEXT NOT NULL, job TEXT NOT NULL, exit_code INTEGER, PRIMARY KEY (deployment, job)) STRICT;
"""
# Up to when the schedule of each job was followed, and what became of its runs. `told`: the revision that is stored.
FIFTH = """
CREATE TABLE schedule_marks (
    stack TEXT NOT NULL, job TEXT NOT NULL, schedule TEXT NOT NULL, until_ms INTEGER NOT NULL,
    PRIMARY KEY (stack, job)) STRICT;
CREATE TABLE scheduled_runs (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, stack TEXT NOT NULL, project TEXT NOT NULL,
    lane TEXT NOT NULL, deployment TEXT NOT NULL, job TEXT NOT NULL, state TEXT NOT NULL, due_ms INTEGER NOT NULL,
    last_due_ms INTEGER NOT NULL, count INTEGER NOT NULL, container TEXT NOT NULL DEFAULT '',
    started_ms INTEGER NOT NULL DEFAULT 0, ended_ms INTEGER NOT NULL DEFAULT 0, exit_code INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '', output TEXT NOT NULL DEFAULT '', unread INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 1, told INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX scheduled_runs_untold ON scheduled_runs (position) WHERE told < revision;
CREATE INDEX scheduled_runs_open ON scheduled_runs (position) WHERE state = 'running' OR unread = 1;
"""
# Each brings a file of the version before it forward; never change one that has been released.
STEPS = (FIRST, SECOND, THIRD, FOURTH, FIFTH)
LOCK_NAME = "lock"
MAX_CHECKED_BYTES = 256 * 1024 * 1024


class Store:
    """One connection behind a lock; threads take turns."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises JournalDamagedError or JournalTooNewError; the file is as it was then."""
        self._lock = threading.RLock()
        self._depth = 0
        self.writes = Writes(path)
        try:
            self._connection = _open(path)
        except sqlite3.OperationalError:  # no room or no right to write: the file itself may be in order
            raise
        except sqlite3.DatabaseError as error:
            raise JournalDamagedError(
                f"The journal {path} is damaged ({error}). Move it away and start the agent again: it begins a new one,"
                " asks the control plane what is open, and touches nothing that it did not record."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block all or not at all, on the disk at its end. May be nested; the outermost one commits."""
        with self._lock, self.writes.watched(self._connection):
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._commit()

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            # On a full disk, say: what stayed open would refuse every later transaction.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def try_to_write(self) -> None:
        """Write a page that changes nothing, to see whether that can be done. Raises sqlite3.Error."""
        with self.transaction():
            self._connection.execute(f"PRAGMA user_version = {_version(self._connection)}")
        self.writes.fault = ""

    def write(self, statement: str, *values: Any) -> int:
        """Run one statement in a transaction; returns how many rows it touched."""
        with self.transaction():
            return self._connection.execute(statement, values).rowcount

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        found = self.rows(statement, *values)
        return found[0] if found else None

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        connection.row_factory = sqlite3.Row
        _refuse_unsound(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        found = _version(connection)
        for number, step in enumerate(STEPS[found:], start=found + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_unsound(connection: sqlite3.Connection, path: Path) -> None:
    found = _version(connection)
    if found > len(STEPS):
        raise JournalTooNewError(
            f"The journal {path} was written by a newer agent (version {found}; this one knows {len(STEPS)}): install"
            " that agent again. To go back to this one, move the journal away while nothing is being deployed."
        )
    # Reading every page of a very large file would hold up the start; there a page is checked when it is read.
    if path.stat().st_size <= MAX_CHECKED_BYTES:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)


def lock_state_dir(path: Path) -> int:
    """Create the directory, readable by us alone, and lock it until the process ends. Raises StateDirBusyError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    # Not inherited by children, so an orphan of a killed runner does not keep the lock.
    held = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(held)
        raise StateDirBusyError(f"Another runner works in {path}.") from error
    return held
