"""What the long-running processes share: a clean end on SIGTERM, and database trouble that passes."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import structlog
from django.db import close_old_connections, connection

from agents.backoff import Backoff
from agents.db_errors import DATABASE_AWAY
from deployments.services.upkeep import health

RETRY = Backoff(first=0.4, most=10.0)
SAY_SECONDS = 4.0

logger = structlog.get_logger(__name__)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Call it from the main thread."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopped


def run_until(stopped: threading.Event, *, name: str, step: Callable[[], float]) -> None:
    """Call `step` until told to stop; it returns how many seconds to wait before the next call.

    A database that is gone, or that ended a transaction of ours in which it heard nothing for too long, is waited for
    with growing pauses and jitter, for as long as it takes. What a step leaves for later is shown in health answers
    under `name`.
    """
    failures, said_at = 0, 0.0
    while not stopped.is_set():
        try:
            close_old_connections()
            pause = step()
            failures = 0
            if time.monotonic() - said_at >= SAY_SECONDS:
                said_at = time.monotonic()
                health.report_faults(process=name)
        except DATABASE_AWAY as error:
            failures += 1
            connection.close()
            pause = RETRY.pause(failures=failures)
            logger.warning("database is not there, trying again", error=str(error).strip(), seconds=round(pause, 1))
        stopped.wait(pause)
