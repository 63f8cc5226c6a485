"""The journal changes hands: the present version becomes the new one in place, which has to say Hello to stay.

The process stays the same one to whoever supervises it, and keeps the lock of the state directory throughout, so at no
moment does anybody else own the journal. Until the new version was welcomed, `current` names the former one: whatever
ends it before that (a crash, kill -9, the power) leads back to the former one. The link is what decides.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import NoReturn

from agents.runner.journal.startup import LOCK_FD
from agents.runner.release import Release, own_release, release_at, remove_others, start_from_now_on
from agents.runner.updating.journal_copy import COPY_NAME, copy_journal, put_back_if_too_new
from agents.runner.updating.record import (
    ENDED,
    Phase,
    UpdateRecord,
    note_failure,
    read_record,
    write_failure,
    write_record,
)

FORMER = "AXION_AGENT_FORMER_RELEASE"
SECONDS = "AXION_AGENT_HELLO_SECONDS"
WENT_BACK = "The new version did not say Hello with the journal within {seconds:.0f} seconds; the former one goes on."
RUNS = "The new version runs."
ENDED_EARLY = "The new version ended before it had said Hello with the journal; the former one goes on."
logger = logging.getLogger(__name__)


def hand_over(
    *, record: UpdateRecord, to: Release, former: Release, state_dir: Path, lock: int, arguments: list[str],
    seconds: float,
) -> NoReturn:  # fmt: skip
    """Become the new version. The journal is closed, and nothing works any more; `lock` is the state directory's.

    What cannot be done leads back to the former version, which says so.
    """
    try:
        copy_journal(state_dir=state_dir, to=state_dir / COPY_NAME)
        write_record(state_dir, record)
    except (OSError, sqlite3.Error) as error:
        logger.error("the journal cannot be handed over: %s", error)
        become(former, lock=lock, arguments=arguments, environment={})
    logger.info("handing the journal over to %s", to.build)
    become(to, lock=lock, arguments=arguments, environment={FORMER: str(former.folder), SECONDS: str(seconds)})


def become(release: Release, *, lock: int, arguments: list[str], environment: dict[str, str]) -> NoReturn:
    """Run the release in this process's place, with its lock; ends the process where that cannot be done."""
    kept = {name: value for name, value in os.environ.items() if name not in (FORMER, LOCK_FD, SECONDS)}
    os.set_inheritable(lock, True)  # noqa: FBT003 - the standard library's
    try:
        command = [str(release.launcher), *arguments]
        os.execve(release.launcher, command, {**kept, **environment, LOCK_FD: str(lock)})  # noqa: S606 - no shell
    except OSError:
        logger.exception("%s cannot be started", release.launcher)
        # Whoever supervises us starts `current`.
        os._exit(1)


class Probation:
    """What holds for a new version until it was welcomed with the journal. Safe across threads."""

    def __init__(self, *, former: Release, own: Release, state_dir: Path, arguments: list[str], seconds: float) -> None:
        self._former, self._own = former, own
        self._state_dir, self._arguments = state_dir, arguments
        self._lock_fd: int | None = None
        self._decided = threading.Lock()
        self._over = False
        self._timer = threading.Timer(seconds, self.go_back, [WENT_BACK.format(seconds=seconds)])
        self._timer.daemon = True

    def begin(self, *, lock: int) -> None:
        self._lock_fd = lock
        self._timer.start()

    @property
    def is_over(self) -> bool:
        return self._over

    def pass_(self) -> None:
        """Stay: from now on this version is the one that is started. Raises OSError, and decides nothing then."""
        with self._decided:
            if self._over:
                return
            start_from_now_on(self._own)
            self._over = True
            self._timer.cancel()
        finish(self._state_dir, build=self._own.build)
        remove_others(self._own, kept=(self._former,))

    def go_back(self, why: str) -> None:
        """Become the former version again, unless this one was welcomed; does not return then."""
        with self._decided:
            if self._over:
                return
            self._over = True
            logger.error("%s", why)
            found = read_record(self._state_dir)
            if found is not None:
                note_failure(self._state_dir, found, why)
            if self._lock_fd is None:
                os._exit(1)
            become(self._former, lock=self._lock_fd, arguments=self._arguments, environment={})


def begin(state_dir: Path, *, lock: int, arguments: list[str]) -> Probation | None:
    """Return the probation, begun, of a version that was just handed the journal.

    At any other start find out what became of an update, and return None. Before the journal is opened.
    """
    former, own = release_at(Path(os.environ.pop(FORMER, ""))), own_release()
    seconds = float(os.environ.pop(SECONDS, "60"))
    if former is None or own is None or former == own:
        _settle(state_dir, own=own)
        return None
    probation = Probation(former=former, own=own, state_dir=state_dir, arguments=arguments, seconds=seconds)
    probation.begin(lock=lock)
    return probation


def go_back_at_once(*, arguments: list[str]) -> None:
    """Become the former version where this one was handed the journal and cannot even begin; else return."""
    former, lock = release_at(Path(os.environ.get(FORMER, ""))), os.environ.get(LOCK_FD, "")
    if former is not None and lock.isdecimal():
        become(former, lock=int(lock), arguments=arguments, environment={})


def finish(state_dir: Path, *, build: str) -> None:
    """Note that the update has succeeded, where it was to this build."""
    found = read_record(state_dir)
    if found is None or found.phase in ENDED or found.build != build:
        return
    try:
        write_record(
            state_dir, UpdateRecord(update_id=found.update_id, build=found.build, phase=Phase.DONE, message=RUNS)
        )
    except OSError:
        logger.exception("what became of the update cannot be written down")


def _settle(state_dir: Path, *, own: Release | None) -> None:
    found = read_record(state_dir)
    if found is None or own is None:
        return
    if found.build == own.build:
        finish(state_dir, build=own.build)
        return
    put_back_if_too_new(state_dir)
    if found.phase is Phase.HANDING_OVER:
        write_failure(state_dir, found, ENDED_EARLY)
