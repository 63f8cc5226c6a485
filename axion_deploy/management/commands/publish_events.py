"""manage.py publish_events: stored events out to the browsers and to Kafka."""

from __future__ import annotations

import select
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import structlog
from django.db import connection
from django.utils import timezone

from agents.backoff import Backoff
from agents.db_errors import DATABASE_AWAY
from agents.isolation import isolation
from agents.wording.pages import lazy
from axion_deploy.languages.terminal_language import SpeakingCommand
from axion_deploy.metrics.server import serve_metrics
from axion_deploy.processes import run_until, stop_on_signals
from deployments import outbox_relay
from deployments.outbox_relay import Outbox
from deployments.repositories.events import CHANNEL
from deployments.services.incidents import lines
from deployments.services.notifications import deliver

# Notifications wake us, and a connection that ends with one on its way shows its end; the poll is for all else.
POLL_SECONDS = 5.0
# Nobody tells when an event that failed may be tried again.
RESTING_POLL_SECONDS = 1.0
STANDBY_SECONDS = 2.0
# One receiver that is slow holds up no more than half of them.
SENDERS = 2
SENDER_POLL_SECONDS = 2.0
RETRY = Backoff(first=1.0, most=10.0)

logger = structlog.get_logger(__name__)


class Command(SpeakingCommand):
    help = lazy("Publish stored events in order. Several may run: one publishes to each outbox, the others stand by.")
    # They would load every page; `migrate` and the web process run them.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = stop_on_signals()
        serve_metrics(process="publisher")
        outboxes = outbox_relay.outboxes()
        with ThreadPoolExecutor(max_workers=len(outboxes) + SENDERS + 1) as threads:
            running = [threads.submit(publish, outbox=outbox, stopped=stopped) for outbox in outboxes]
            running += [threads.submit(send_notifications, stopped=stopped) for _ in range(SENDERS)]
            running.append(threads.submit(gather_lines, stopped=stopped))
            wait(running, return_when=FIRST_COMPLETED)
            # One that ended by a fault of ours ends the process, and its supervisor starts it anew.
            stopped.set()
        for future in running:
            future.result()


def publish(*, outbox: Outbox[Any], stopped: threading.Event) -> None:
    """Publish one outbox until asked to stop. Runs in a thread of its own."""
    try:
        run_until(stopped, name="publisher", step=Publisher(outbox=outbox, stopped=stopped).step)
    finally:
        connection.close()


def send_notifications(*, stopped: threading.Event) -> None:
    """Send messages about incidents until asked to stop. Runs in a thread of its own; several may, in any process."""
    loop = isolation("notifications")

    def step() -> float:
        sent = False
        if not loop.rests("next"):
            with loop.item("next", raising=DATABASE_AWAY):
                sent = deliver.deliver_next()
        return 0 if sent else SENDER_POLL_SECONDS

    try:
        run_until(stopped, name="notifications", step=step)
    finally:
        connection.close()


def gather_lines(*, stopped: threading.Event) -> None:
    """Ask agents for the last lines of what incidents are about, until asked to stop. Runs in a thread of its own."""
    loop = isolation("lines of incidents")

    def step() -> float:
        asked = False
        if not loop.rests("next"):
            with loop.item("next", raising=DATABASE_AWAY):
                asked = lines.gather_next(stopped=stopped.is_set)
        return 0 if asked else SENDER_POLL_SECONDS

    try:
        run_until(stopped, name="lines of incidents", step=step)
    finally:
        connection.close()


class Publisher:
    """Holds the outbox's lock and listens on one database connection; takes both anew when it breaks."""

    def __init__(self, *, outbox: Outbox[Any], stopped: threading.Event) -> None:
        self.outbox = outbox
        self.stopped = stopped
        self.session: object | None = None
        self.failures = 0
        self.logger = logger.bind(outbox=outbox.name)

    def step(self) -> float:
        """Publish what is there, then wait for more; return the seconds to pause."""
        connection.ensure_connection()
        if self.session is not connection.connection:
            if not outbox_relay.become_publisher(outbox=self.outbox):
                return STANDBY_SECONDS
            self.listen()
        try:
            while (published := outbox_relay.publish_next(outbox=self.outbox, at=timezone.now())).number:
                self.failures = 0
                if self.stopped.is_set():
                    return 0
                if not published.leaves_more:
                    # What came since then has notified, too.
                    break
        except self.outbox.trouble as error:
            return self.pause_after(error)
        self.wait()
        return 0

    def pause_after(self, error: Exception) -> float:
        """Return a pause that grows with each failure in a row. Events wait in the database meanwhile."""
        self.failures += 1
        pause = RETRY.pause(failures=self.failures)
        waiting = outbox_relay.lag_of(outbox=self.outbox, at=timezone.now()).waiting
        self.logger.warning("outbox unavailable, retrying", error=str(error), waiting=waiting, seconds=pause)
        return pause

    def listen(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self.session = connection.connection
        self.logger.info("publishing")

    def poll_seconds(self) -> float:
        return RESTING_POLL_SECONDS if outbox_relay.leaves_some(outbox=self.outbox) else POLL_SECONDS

    def wait(self) -> None:
        """Wait until a notification comes or the poll is due."""
        raw = connection.connection
        # Django turns the driver's errors into its own for cursors only; as they are, a database that went away would
        # end the process.
        with connection.wrap_database_errors:
            deadline = time.monotonic() + self.poll_seconds()
            while not self.stopped.is_set() and not self.heard(raw) and (left := deadline - time.monotonic()) > 0:
                select.select([raw.fileno()], [], [], left)

    def heard(self, raw: Any) -> bool:
        """Tell whether there was a notification about this outbox, those that came with an answer among them."""
        # Read to the end: who stops half-way loses those that came in the same packet.
        about = {each.payload for each in raw.notifies(timeout=0)}
        return bool(about - {self.outbox.passes_over})
