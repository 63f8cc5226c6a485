"""How far the newest update is, in a file of the state directory: whoever is started next reads it."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from agents.runner.journal.durable import write_private

FILE_NAME = "update.json"
logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """The words of UpdateState. HANDING_OVER: the new version has the journal and has not said Hello with it yet."""

    PREPARING = "preparing"
    WAITING = "waiting"
    TRYING = "trying"
    HANDING_OVER = "handing_over"
    DONE = "done"
    FAILED = "failed"


ENDED = frozenset({Phase.DONE, Phase.FAILED})


@dataclass(frozen=True, kw_only=True)
class UpdateRecord:
    update_id: str
    build: str
    phase: Phase
    message: str = ""


def read_record(state_dir: Path) -> UpdateRecord | None:
    """Return the newest update; None where there was none, or its file cannot be read."""
    try:
        found = json.loads((state_dir / FILE_NAME).read_bytes())
        return UpdateRecord(
            update_id=str(found["update_id"]),
            build=str(found["build"]),
            phase=Phase(found["phase"]),
            message=str(found["message"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("what became of the last update cannot be read: %s", error)
        return None


def write_record(state_dir: Path, record: UpdateRecord) -> None:
    """Have it on the disk when this returns. Raises OSError."""
    write_private(state_dir / FILE_NAME, json.dumps(asdict(record)).encode())


def write_failure(state_dir: Path, record: UpdateRecord, why: str) -> None:
    """Have it on the disk, when this returns, that this update failed. Raises OSError."""
    write_record(state_dir, replace(record, phase=Phase.FAILED, message=why))


def note_failure(state_dir: Path, record: UpdateRecord, why: str) -> None:
    """Write down that this update failed; where that cannot be written it is in the log alone."""
    try:
        write_failure(state_dir, record, why)
    except OSError:
        logger.exception("what became of the update cannot be written down")
