"""An agent in a container becomes another version: a container beside it takes the journal over, or does not.

At no moment do two of them own the journal: its folder's lock passes from one to the other. Which one stays is decided
by one write, of the record of the update, by the new one once it was welcomed. Until then Docker starts the former one
alone after a crash or a reboot, so whatever ends in between leads back to it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from docker.errors import APIError

from agents.runner.errors import EngineAwayError
from agents.runner.journal.startup import FILE_NAME
from agents.runner.updating.handover import ENDED_EARLY, RUNS, WENT_BACK
from agents.runner.updating.journal_copy import COPY_NAME, copy_journal, put_back_if_too_new
from agents.runner.updating.own_container import FORMER, NEXT, SECONDS, TRIAL, OwnContainer
from agents.runner.updating.provide import UpdateFailedError
from agents.runner.updating.record import Phase, UpdateRecord, note_failure, read_record, write_failure, write_record
from agents.runner.updating.trial import INSTANCE, MAX_SAID, NOT_SAID, SAID_NOTHING

LOOK_SECONDS = 0.5
# More than the new one gives itself: the time in which Docker starts it.
START_SECONDS = 15.0
# In which the new one removes the former; after that the former does it itself.
REMOVAL_SECONDS = 20.0
GIVEN_UP = "The former version had given this one up before it was welcomed."
ENGINE_TROUBLE = (EngineAwayError, APIError)
logger = logging.getLogger(__name__)


def try_container_beside(
    *, own: OwnContainer, build: str, arguments: Sequence[str], state_dir: Path, instance_id: str, seconds: float
) -> None:
    """Run a container of the new version until it was welcomed. Raises UpdateFailedError where it was not. Blocks."""
    with tempfile.TemporaryDirectory(prefix="trial-", dir=state_dir) as folder:
        copy_journal(state_dir=state_dir, to=Path(folder) / FILE_NAME)
        container = ""
        try:
            container = own.create_like(
                ending=TRIAL,
                build=build,
                arguments=[*arguments, "--trial", folder],
                environment={INSTANCE: instance_id},
            )
            own.start(container)
            _until_welcomed(own, container, seconds=seconds)
        except ENGINE_TROUBLE as error:
            raise UpdateFailedError(f"The new version could not be started beside this one: {_said(error)}") from error
        finally:
            if container:
                _remove(own, container)


def _until_welcomed(own: OwnContainer, container: str, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (code := own.exit_code(container)) is None:
        if time.monotonic() > until:
            raise UpdateFailedError(NOT_SAID.format(seconds=seconds))
        time.sleep(LOOK_SECONDS)
    if code != 0:
        raise UpdateFailedError(SAID_NOTHING.format(code=code, last=own.last_line(container)[:MAX_SAID]))


def hand_over_to_container(
    *, own: OwnContainer, record: UpdateRecord, state_dir: Path, lock: int, arguments: Sequence[str], seconds: float
) -> NoReturn:
    """Give the journal to a container of the new version, and end once it was welcomed; else go on as before.

    The journal is closed, and nothing works any more; `lock` is the state directory's.
    """
    try:
        copy_journal(state_dir=state_dir, to=state_dir / COPY_NAME)
        container = own.create_like(
            ending=NEXT, build=record.build, arguments=arguments, environment={FORMER: own.id, SECONDS: str(seconds)}
        )
        write_record(state_dir, record)
        os.close(lock)
        logger.info("handing the journal over to a container of %s", record.build)
        own.start(container)
        why = _watch(own, container, state_dir=state_dir, seconds=seconds + START_SECONDS)
        if why:
            own.end(container)
            why = "" if _is_decided(state_dir) else why
        if not why:
            _leave(own, container, after=REMOVAL_SECONDS)
        own.remove(container)
    except (OSError, sqlite3.Error, *ENGINE_TROUBLE) as error:
        why = f"The journal could not be handed over: {_said(error)}"
    _go_on(record, state_dir=state_dir, why=why)


def _watch(own: OwnContainer, container: str, *, state_dir: Path, seconds: float) -> str:
    """Return why the new version does not stay; empty once it does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if _is_decided(state_dir):
            return ""
        try:
            if own.exit_code(container) is not None:
                return _reason(state_dir)
        except ENGINE_TROUBLE as error:
            logger.warning("the new version is not seen for the moment: %s", error)
        time.sleep(LOOK_SECONDS)
    return WENT_BACK.format(seconds=seconds - START_SECONDS)


def _reason(state_dir: Path) -> str:
    """Return what the new version wrote down before it ended, where it came to that."""
    found = read_record(state_dir)
    return found.message if found is not None and found.phase is Phase.FAILED else ENDED_EARLY


def _is_decided(state_dir: Path) -> bool:
    found = read_record(state_dir)
    return found is not None and found.phase is Phase.DONE


def _leave(own: OwnContainer, successor: str, *, after: float) -> NoReturn:
    """Let the new container run and this one be removed, however long the engine is away; does not return."""
    while True:
        try:
            own.keep_running(successor)
            own.start(successor)
            time.sleep(after)
            own.remove(own.id)
        except ENGINE_TROUBLE as error:
            logger.warning("this version cannot leave its place to the new one yet: %s", error)
        time.sleep(LOOK_SECONDS)


def _go_on(record: UpdateRecord, *, state_dir: Path, why: str) -> NoReturn:
    """Become this very version once more, which says what went wrong."""
    logger.error("%s", why)
    note_failure(state_dir, record, why)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell


class ContainerProbation:
    """What holds for the new container until it was welcomed with the journal. Safe across threads."""

    def __init__(self, *, own: OwnContainer, former: str, state_dir: Path, seconds: float) -> None:
        self._own, self._former, self._state_dir = own, former, state_dir
        self._decided = threading.Lock()
        self._over = False
        self._timer = threading.Timer(seconds, self.go_back, [WENT_BACK.format(seconds=seconds)])
        self._timer.daemon = True

    def begin(self) -> None:
        self._timer.start()

    @property
    def is_over(self) -> bool:
        return self._over

    def pass_(self) -> None:
        """Stay, from the moment that is written down. Raises OSError, and decides nothing then."""
        with self._decided:
            if self._over:
                return
            found = read_record(self._state_dir)
            given_up = found is None or found.phase is not Phase.HANDING_OVER
            if found is not None and not given_up:
                done = UpdateRecord(update_id=found.update_id, build=found.build, phase=Phase.DONE, message=RUNS)
                write_record(self._state_dir, done)
                self._over = True
                self._timer.cancel()
        if given_up:
            self.go_back(GIVEN_UP)
        _take_place(self._own, self._former)

    def go_back(self, why: str) -> None:
        """End, unless this one was welcomed: the former one sees that, and goes on. Does not return then."""
        with self._decided:
            if self._over:
                return
            self._over = True
            logger.error("%s", why)
            self._note_failure(why)
            try:
                # It watches us, unless somebody ended it.
                self._own.start(self._former)
            except ENGINE_TROUBLE as error:
                logger.warning("the former version cannot be started: %s", error)
            os._exit(1)

    def _note_failure(self, why: str) -> None:
        found = read_record(self._state_dir)
        if found is not None and found.phase is Phase.HANDING_OVER:
            note_failure(self._state_dir, found, why)


def begin_in_container(state_dir: Path, *, own: OwnContainer) -> ContainerProbation | None:
    """Return the probation, begun, of a container that was just handed the journal.

    At any other start find out what became of an update, and return None; the one that has lost its place is removed
    and does not return. With the state directory's lock, and before the journal is opened.
    """
    found, former = read_record(state_dir), os.environ.pop(FORMER, "")
    seconds = float(os.environ.pop(SECONDS, "60"))
    if found is None:
        return None
    if found.build == own.build:
        if found.phase is Phase.HANDING_OVER and former:
            probation = ContainerProbation(own=own, former=former, state_dir=state_dir, seconds=seconds)
            probation.begin()
            return probation
        if found.phase is Phase.DONE and former:
            _take_place(own, former)
        return None
    _settle(state_dir, own=own, found=found)
    return None


def _settle(state_dir: Path, *, own: OwnContainer, found: UpdateRecord) -> None:
    """Leave where another version has the place for good; remove one that was on its way and go on."""
    put_back_if_too_new(state_dir)
    try:
        successor = own.successor(build=found.build)
        if found.phase is Phase.DONE and successor:
            _leave(own, successor, after=0)
        if found.phase is Phase.HANDING_OVER and successor:
            own.remove(successor)
    except ENGINE_TROUBLE as error:
        logger.warning("what became of the new version is not known: %s", error)
    if found.phase is Phase.HANDING_OVER:
        write_failure(state_dir, found, ENDED_EARLY)


def _take_place(own: OwnContainer, former: str) -> None:
    """Take the former container's place and name; what cannot be done now the next start does."""
    try:
        own.take_place_of(former)
    except ENGINE_TROUBLE as error:
        logger.warning("the container of the former version is not removed yet: %s", error)


def _remove(own: OwnContainer, container: str) -> None:
    try:
        own.remove(container)
    except ENGINE_TROUBLE as error:
        logger.warning("the container of a version that was tried is not removed: %s", error)


def _said(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)[:MAX_SAID]
