"""A copy of the journal as the former version left it: a new one may bring the file forward and then fail."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from pathlib import Path

from agents.runner.journal.durable import sync
from agents.runner.journal.startup import FILE_NAME
from agents.runner.journal.store import STEPS

COPY_NAME = "journal.before-update.sqlite3"
logger = logging.getLogger(__name__)


def copy_journal(*, state_dir: Path, to: Path) -> None:
    """Copy the journal as it is at one moment, used or not; on the disk when this returns. Raises sqlite3.Error."""
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)
    source = sqlite3.connect(f"file:{state_dir / FILE_NAME}?mode=ro", uri=True, timeout=10)
    target = sqlite3.connect(part)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
    with part.open("rb+") as file:
        os.fchmod(file.fileno(), 0o600)
        sync(file.fileno())
    part.replace(to)


def put_back_if_too_new(state_dir: Path) -> bool:
    """Put the copy back where the journal was brought forward beyond what this version reads. Tells whether it did.

    Nothing of the new version's is lost: it takes no order before it has the journal for good.
    """
    copy, journal = state_dir / COPY_NAME, state_dir / FILE_NAME
    if not copy.exists() or _version(journal) <= len(STEPS):
        return False
    for leftover in (f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
        (state_dir / leftover).unlink(missing_ok=True)
    part = state_dir / f"{FILE_NAME}.part"
    shutil.copyfile(copy, part)
    with part.open("rb+") as file:
        os.fchmod(file.fileno(), 0o600)
        sync(file.fileno())
    part.replace(journal)
    logger.warning("the journal is as it was before the update")
    return True


def _version(path: Path) -> int:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    except sqlite3.Error:
        return 0
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error:
        return 0
    finally:
        connection.close()
