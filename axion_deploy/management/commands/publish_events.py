"""manage.py publish_events: stored events out to the browsers."""

from __future__ import annotations

import select
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone
from redis.exceptions import RedisError

from axion_deploy.processes import run_until, stop_on_signals
from deployments import live, publishing
from deployments.repositories.events import CHANNEL

# Notifications wake us; the poll is for those lost with a connection.
POLL_SECONDS = 1.0
STANDBY_SECONDS = 2.0
REDIS_PAUSE_SECONDS = 1.0

logger = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Publish stored events in order. Several may run: one publishes, the others stand by."

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = stop_on_signals()
        run_until(stopped, step=Publisher(stopped).step)


class Publisher:
    """One database connection holds the publisher's lock and listens; when it breaks, both are taken anew."""

    def __init__(self, stopped: threading.Event) -> None:
        self.stopped = stopped
        self.session: object | None = None

    def step(self) -> float:
        """Publish what is there, then wait for more; returns the seconds to pause."""
        connection.ensure_connection()
        if self.session is not connection.connection:
            if not publishing.become_publisher():
                return STANDBY_SECONDS
            self.listen()
        try:
            while publishing.publish_batch(sinks=[live.push], at=timezone.now()):
                if self.stopped.is_set():
                    return 0
        except RedisError as error:
            logger.warning("redis is not there, events wait in the database", error=str(error))
            return REDIS_PAUSE_SECONDS
        self.wait()
        return 0

    def listen(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self.session = connection.connection
        logger.info("publishing")

    def wait(self) -> None:
        """Until a notification comes or the poll is due."""
        raw = connection.connection
        ready, _, _ = select.select([raw.fileno()], [], [], POLL_SECONDS)
        if ready:
            list(raw.notifies(timeout=0))
