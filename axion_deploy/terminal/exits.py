"""How `manage.py deployments` ends: numbers that scripts may rely on."""

from __future__ import annotations

from enum import IntEnum

from django.utils.translation import gettext

from agents.wording.pages import lazy
from deployments.errors import DeployError


class Exit(IntEnum):
    """Never renumbered."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_THERE = 3
    CONFLICT = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: lazy("done; with --wait the deployment succeeded (a cancel: it ended as cancelled)"),
    Exit.FAILED: lazy("the deployment did not succeed"),
    Exit.USAGE: lazy("invalid command or input"),
    Exit.NOT_THERE: lazy("not found, or no permission"),
    Exit.CONFLICT: lazy("not possible in the current state"),
    Exit.UNREACHABLE: lazy("not finished within --timeout, or the database, a peer or an agent is not responding"),
    Exit.INTERRUPTED: lazy("interrupted (Ctrl-C); the deployment continues"),
}
OF_CODE = {
    "VALIDATION_ERROR": Exit.USAGE,
    "UNAUTHORIZED": Exit.NOT_THERE,
    "FORBIDDEN": Exit.NOT_THERE,
    "NOT_FOUND": Exit.NOT_THERE,
    "CONFLICT": Exit.CONFLICT,
}


class Unreachable(DeployError):
    """Who should answer did not, in time."""

    code = "EXTERNAL_SERVICE_ERROR"


def exit_of(error: DeployError) -> Exit:
    """Return the exit by the error's code; whatever may pass by itself counts as out of reach."""
    return OF_CODE.get(error.code, Exit.UNREACHABLE)


def explained() -> str:
    """Return the exits for --help."""
    return gettext("exit codes:") + "\n" + "\n".join(f"  {exit_:>3}  {MEANINGS[exit_]}" for exit_ in Exit)
