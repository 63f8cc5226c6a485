"""What every way back ends with, on one server and in a Swarm alike."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.control_plane.reports import masked_text
from agents.runner.errors import InterruptedWorkError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What runs now: every service as Docker describes it; none when nothing ran before, or a stopped stack.

    `volumes_left`: volumes that came with what was taken back. `taken_back`: containers of others that it had stopped.
    """

    services: list[pb.ServiceObserved]
    previous_running: bool
    volumes_left: tuple[str, ...] = ()
    taken_back: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """Return a sentence about containers of others that run again; empty for none."""
        return f" What it had taken over runs again: {', '.join(self.taken_back)}." if self.taken_back else ""


def answer_revert(
    work: Work, *, go_back: Callable[[], Restored | None], also: Callable[[], None] = lambda: None
) -> None:
    """Go back and end with the command's last report; `also` is stored with that of a success.

    `go_back` returns None where it has ended the command itself. The command stays open when the runner stops
    (InterruptedWorkError) and when the journal cannot be written (sqlite3.OperationalError).
    """
    order = work.command.revert
    asked_by = f" by {order.asked_by}" if order.asked_by else ""
    finished = pb.CommandFinished(reason="cancelled", message=f"Stopped{asked_by}; what ran before is back.")
    try:
        restored = go_back()
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except Exception as error:
        work.interrupt.check()
        logger.error("revert failed: %s", masked_text(str(error), masker=work.masker))
        finished.outcome = pb.FAILED
        finished.message = f"What ran before could not be put back: {error}"
        work.reporter.finished(finished, also=lambda: None)
        return
    if restored is None:
        return
    note_restored(finished, restored)
    work.reporter.finished(finished, also=also)


def note_restored(finished: pb.CommandFinished, restored: Restored) -> None:
    """Write into the last report that what ran before is back, and what runs now."""
    finished.outcome = pb.RESTORED
    finished.message += restored.remark
    finished.previous_stack_running = restored.previous_running
    finished.services.extend(restored.services)
    finished.volumes_left.extend(restored.volumes_left)
