"""What failed while the Docker engine was away, or still removed a container, is done again: that passes, and tells
nothing about the stack."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from agents.backoff import Backoff
from agents.runner.commands.context import Work
from agents.runner.control_plane.reports import masked_text
from agents.runner.errors import InterruptedWorkError, RemovalInProgressError, StepFailedError, TakenOverError

MAX_OUTAGES = 5
MAX_TRIES = 3
MAX_REMOVALS = 5
MAX_LOGGED = 300
PAUSES = Backoff(first=0.5, most=30.0)
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


def retry_through_outages(*, work: Work, attempt: Callable[[], Result], most: int | None = MAX_OUTAGES) -> Result:
    """Attempt it, and from the start again whenever it failed and Docker was away meanwhile.

    At most so many times; None is for as long as the work is not interrupted. Raises what the attempt raises, and
    StepFailedError(internal) when Docker goes away again and again.
    """
    for failures in count(1):
        outages = work.host.outages
        try:
            return attempt()
        except (InterruptedWorkError, TakenOverError, sqlite3.OperationalError):
            raise
        except Exception as error:
            work.interrupt.check()
            if not work.host.was_away(since=outages):
                raise
            logger.warning("failed while Docker was away: %s", masked_text(str(error), masker=work.masker))
            if most is not None and failures > most:
                message = f"Docker on this host went away {failures} times while this was going on."
                raise StepFailedError("internal", message) from error
        work.reporter.log(source="agent", text="Docker on this host was away; the remaining work is planned again.\n")
        work.interrupt.pause(PAUSES.pause(failures=failures))
    raise AssertionError("counting does not end")


def retry_after_removals(*, work: Work, attempt: Callable[[], Result]) -> Result:
    """Attempt it, and from the start again where a container stood in the way that Docker was still removing.

    At most MAX_REMOVALS times: a removal may hang. Raises what the attempt raises.
    """
    for failures in count(1):
        try:
            return attempt()
        except RemovalInProgressError as error:
            work.interrupt.check()
            if failures >= MAX_REMOVALS:
                raise
            reason = masked_text(str(error), masker=work.masker)
        logger.warning("a container is being removed: %s", reason)
        text = "Docker was still removing a container; the remaining work is planned again once it is gone.\n"
        work.reporter.log(source="agent", text=text)
        work.interrupt.pause(PAUSES.pause(failures=failures))
    raise AssertionError("counting does not end")


def retry_until_done(*, work: Work, attempt: Callable[[], Result]) -> Result:
    """Attempt a way back: for as long as Docker is away, and a few times when it would not do it."""
    return retry_through_outages(work=work, attempt=lambda: _retry_failures(work, attempt), most=None)


def _retry_failures(work: Work, attempt: Callable[[], Result]) -> Result:
    """Attempt it, and a few times more when Docker or Compose would not do it: that often passes.

    What was judged (unhealthy, an image that is gone) is not tried again.
    """
    for failures in count(1):
        try:
            return attempt()
        except (InterruptedWorkError, TakenOverError, sqlite3.OperationalError):
            raise
        except Exception as error:
            work.interrupt.check()
            judged = isinstance(error, StepFailedError) and error.reason != "apply"
            if judged or failures >= MAX_TRIES:
                raise
            reason = work.masker.mask(str(error))[:MAX_LOGGED]
        logger.warning("what ran before could not be put back yet: %s", reason)
        work.reporter.log(source="agent", text=f"What ran before could not be put back yet ({reason}): once more.\n")
        work.interrupt.pause(PAUSES.pause(failures=failures))
    raise AssertionError("counting does not end")
