"""The agent's folder and its journal, opened at the start."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3

from agents.backoff import Backoff
from agents.runner.config import Config
from agents.runner.errors import StateDirUnusableError
from agents.runner.journal.store import Store, lock_state_dir
from agents.runner.journal.writes import is_full, write_error_sentence

PAUSES = Backoff(first=1.0, most=10.0)
FILE_NAME = "journal.sqlite3"
logger = logging.getLogger(__name__)


def lock(config: Config) -> int:
    """Lock the state directory. Raises StateDirUnusableError beside what lock_state_dir raises."""
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
