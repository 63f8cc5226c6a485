"""The consumer process: join the group again and again until it is asked to stop, whatever the broker does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import structlog

from agents.backoff import Backoff
from deployments.kafka.broker import BROKER_AWAY
from deployments.kafka_api import request_topics
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.group_consumer import GroupConsumer, Membership
from deployments.kafka_api.producer import UndeliverableError
from deployments.services.upkeep.health import SERVING, report_consumer, report_faults

WAITING = "waiting"
RETRY = Backoff(first=1.0, most=10.0)
STATUS_SECONDS = 4.0
TOPICS_SECONDS = 30.0

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ConsumerProcess:
    """`partitions` is for the topics that it has to create."""

    membership: Membership
    dispatcher: Dispatcher
    partitions: int
    stopped: threading.Event

    def run(self) -> None:
        """Serve until stopped. A broker that is away is waited for with growing pauses and jitter."""
        failures = 0
        while not self.stopped.is_set():
            try:
                began = time.monotonic()
                self._serve()
            except (*BROKER_AWAY, UndeliverableError) as error:
                failures = 1 if time.monotonic() - began > RETRY.most else failures + 1
                self._wait(failures, error)
        self.publish_status("stopped", "It was told to stop.")

    def publish_status(self, state: str, message: str) -> None:
        """Publish how this consumer is, for the health answers of every process."""
        report_consumer(name=self.membership.client_id, state=state, message=message)

    def create_topics(self) -> None:
        """Create the topics that are missing. Raises what BROKER_AWAY names when no broker answers."""
        created = request_topics.create_missing(partitions=self.partitions)
        if created:
            logger.info("topics created", topics=created)

    def _serve(self) -> None:
        self.create_topics()
        consumer = GroupConsumer(membership=self.membership, dispatcher=self.dispatcher, stopped=self.stopped)
        try:
            consumer.run(after_poll=PeriodicWork(process=self).run_due)
        finally:
            consumer.close()

    def _wait(self, failures: int, error: Exception) -> None:
        pause = RETRY.pause(failures=failures)
        logger.warning("kafka unavailable, retrying", error=str(error), seconds=round(pause, 1))
        self.publish_status(WAITING, "Kafka does not answer; requests wait there until it does.")
        self.stopped.wait(pause)


@dataclass
class PeriodicWork:
    """What the polling thread does now and then beside its requests."""

    process: ConsumerProcess
    _status_at: float = field(default=0.0)
    _topics_at: float = field(default_factory=time.monotonic)

    def run_due(self, partitions: int) -> None:
        """Publish the status, and create topics again that somebody removed. Raises as create_topics."""
        now = time.monotonic()
        if now - self._status_at >= STATUS_SECONDS:
            self._status_at = now
            waiting = "It has no partitions: others hold them all, or it is joining."
            self.process.publish_status(SERVING if partitions else WAITING, "" if partitions else waiting)
            report_faults(process="consumer")
        if now - self._topics_at >= TOPICS_SECONDS:
            self._topics_at = now
            self.process.create_topics()
