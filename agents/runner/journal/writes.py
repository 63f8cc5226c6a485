"""Whether the journal can be written, and in words for people why it cannot."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What a write may fail with through no fault of the statement.
TROUBLE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    }
)
PRIMARY = 0xFF
# SQLite needs a page of its log and of its index; with less than this it fails in one way or another.
MIN_FREE_BYTES = 128 * 1024


class Writes:
    """Filled by the store under its lock. `failures` only rises; `fault` is empty once something was written again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fault = ""
        self.failures = 0

    @contextmanager
    def watched(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Watch what is done with the connection in this block for failures of the disk."""
        before = connection.total_changes
        try:
            yield
        except sqlite3.Error as error:
            if is_trouble(error):
                self.failures += 1
                self.fault = write_error_sentence(error, path=self._path)
            raise
        if connection.total_changes != before:
            self.fault = ""


def is_trouble(error: sqlite3.Error) -> bool:
    """Tell whether the disk or the file is at fault."""
    return _code(error) in TROUBLE


def is_full(error: sqlite3.Error, *, path: Path) -> bool:
    """Tell whether there was no space; SQLite calls it an input or output error where it needs shared memory."""
    code = _code(error)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return shutil.disk_usage(path.parent).free < MIN_FREE_BYTES
    return code == sqlite3.SQLITE_FULL


def write_error_sentence(error: sqlite3.Error, *, path: Path) -> str:
    if is_full(error, path=path):
        return f"The disk with {path.parent} is full: the agent's journal cannot be written. Make space there."
    if _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"The agent's journal {path} is damaged ({error}): move it away and start the agent again."
    return f"The agent's journal {path} cannot be written: {error}."


def _code(error: sqlite3.Error) -> int:
    """Return the primary code; 0 where SQLite said none."""
    return getattr(error, "sqlite_errorcode", 0) & PRIMARY
