"""The delete_volume command: a volume that nothing uses goes, with its data, because a person typed its name."""

from __future__ import annotations

import logging
import sqlite3

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.outages import retry_until_done
from agents.runner.errors import InterruptedWorkError, StepFailedError
from agents.runner.planning.model import LABEL_PROJECT

logger = logging.getLogger(__name__)
IN_USE = "in_use"


def delete_volume(work: Work) -> None:
    """Delete the volume and end with the command's last report. Safe to repeat after a crash: gone is gone.

    The command stays open when the runner stops (InterruptedWorkError) and when the journal cannot be written
    (sqlite3.OperationalError).
    """
    try:
        message = retry_until_done(work=work, attempt=lambda: _delete(work))
        finished = pb.CommandFinished(outcome=pb.SUCCEEDED, message=message)
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except StepFailedError as refusal:
        finished = pb.CommandFinished(outcome=pb.FAILED, reason=refusal.reason, message=str(refusal))
    work.reporter.finished(finished, also=lambda: None)


def _delete(work: Work) -> str:
    """Delete it, and return what is true then. Raises StepFailedError for what must not go, or did not."""
    name = work.command.delete_volume.volume_name
    labels = work.host.volume_labels(name)
    if labels is None:
        return "Docker on the server has no such volume any more."
    if labels.get(LABEL_PROJECT) != work.command.project_id:
        raise StepFailedError("invalid", f"{name} is not a volume of this project; nothing was deleted.")
    if users := work.host.volume_users(name):
        raise StepFailedError(IN_USE, f"{name} is used by {', '.join(users)}; nothing was deleted.")
    work.interrupt.check()
    work.host.remove_volume(name)
    if work.host.volume_labels(name) is not None:
        raise StepFailedError("internal", f"Docker still has {name} after it was told to delete it.")
    return "Deleted, with all data in it."
