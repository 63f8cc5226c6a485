"""What the long-running processes share: a clean end on SIGTERM, and going on after an outage of the database."""

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
REPORT_SECONDS = 4.0
# A connection that broke shows in the next statement; one that is only old, or that the server is to drop, waits.
OLD_CONNECTION_SECONDS = 60.0

logger = structlog.get_logger(__name__)


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set. Call it from the main thread."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopped


def run_until(stopped: threading.Event, *, name: str, step: Callable[[], float]) -> None:
    """Call `step` until asked to stop; it returns how many seconds to wait before the next call.

    A database that is away, or that ended a silent transaction of ours, is waited for with growing pauses and jitter,
    for as long as it takes. What a step leaves for later is shown in health answers under `name`.
    """
    failures, reported_at, looked_at = 0, 0.0, 0.0
    while not stopped.is_set():
        try:
            if connection.errors_occurred or time.monotonic() - looked_at >= OLD_CONNECTION_SECONDS:
                looked_at = time.monotonic()
                close_old_connections()
            pause = step()
            failures = 0
            if time.monotonic() - reported_at >= REPORT_SECONDS:
                reported_at = time.monotonic()
                health.report_faults(process=name)
        except DATABASE_AWAY as error:
            failures += 1
            connection.close()
            pause = RETRY.pause(failures=failures)
            logger.warning("database unavailable, retrying", error=str(error).strip(), seconds=round(pause, 1))
        stopped.wait(pause)
