"""The agent's folder and its journal, opened at the start."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sqlite3
from pathlib import Path

from agents.backoff import Backoff
from agents.runner.config import Config
from agents.runner.errors import StateDirUnusableError
from agents.runner.journal.store import LOCK_NAME, Store, lock_state_dir
from agents.runner.journal.writes import is_full, write_error_sentence

# The lock's file descriptor, for the version that takes this process over.
LOCK_FD = "AXION_AGENT_LOCK_FD"
PAUSES = Backoff(first=1.0, most=10.0)
FILE_NAME = "journal.sqlite3"
logger = logging.getLogger(__name__)


def lock(config: Config) -> int:
    """Lock the state directory, or take the lock over from the version before, which became this process.

    Raises StateDirUnusableError beside what lock_state_dir raises.
    """
    if (inherited := inherited_lock(config.state_dir / LOCK_NAME)) is not None:
        return inherited
    try:
        return lock_state_dir(config.state_dir)
    except OSError as error:
        message = f"agent.state_dir: {config.state_dir} cannot be used: {error.strerror or error}."
        raise StateDirUnusableError(message) from error


async def open_journal(config: Config) -> Store:
    """Open it; while the disk has no space for that, wait until it has.

    Raises StateDirUnusableError for a folder that cannot be written, and what Store raises for an unusable journal.
    """
    path = config.state_dir / FILE_NAME
    failures = 0
    while True:
        try:
            return Store(path)
        except sqlite3.OperationalError as error:
            if not is_full(error, path=path):
                raise StateDirUnusableError(write_error_sentence(error, path=path)) from error
            why = write_error_sentence(error, path=path)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise StateDirUnusableError(f"The journal {path} cannot be opened: {error.strerror}.") from error
            why = f"The disk with {config.state_dir} is full."
        failures += 1
        if failures == 1:
            logger.error("%s The agent waits for that.", why)
        await asyncio.sleep(PAUSES.pause(failures=failures))


def inherited_lock(path: Path) -> int | None:
    """Return the lock that the version before handed over, taken as ours alone; None where there was none."""
    given = os.environ.pop(LOCK_FD, "")
    if not given.isdecimal():
        return None
    try:
        held, wanted = os.fstat(int(given)), path.stat()
    except OSError:
        return None
    if (held.st_dev, held.st_ino) != (wanted.st_dev, wanted.st_ino):
        return None
    os.set_inheritable(int(given), False)  # noqa: FBT003 - the standard library's
    return int(given)
