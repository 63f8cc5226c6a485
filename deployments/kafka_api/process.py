"""Keep a session going for as long as the process is wanted, whatever the broker does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import structlog

from agents.backoff import Backoff
from deployments.kafka.broker import BROKER_AWAY
from deployments.kafka_api import topics
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.group_consumer import GroupConsumer, Membership
from deployments.kafka_api.producer import UndeliverableError
from deployments.services.upkeep.health import SERVING, report_consumer, report_faults

WAITING = "waiting"
RETRY = Backoff(first=1.0, most=10.0)
SAY_SECONDS = 4.0
LOOK_SECONDS = 30.0

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ConsumerProcess:
    """One consumer process. `partitions` is for topics that it has to make."""

    membership: Membership
    dispatcher: Dispatcher
    partitions: int
    stopped: threading.Event

    def run(self) -> None:
        """Return when stopped. A broker that is gone is waited for with growing pauses and jitter."""
        failures = 0
        while not self.stopped.is_set():
            try:
                began = time.monotonic()
                self._serve()
            except (*BROKER_AWAY, UndeliverableError) as error:
                failures = 1 if time.monotonic() - began > RETRY.most else failures + 1
                self._wait(failures, error)
        self.say("stopped", "It was told to stop.")

    def say(self, state: str, message: str) -> None:
        """For health answers of any process."""
        report_consumer(name=self.membership.client_id, state=state, message=message)

    def make_topics(self) -> None:
        """Raises what BROKER_AWAY names when no broker answers."""
        made = topics.create_missing(partitions=self.partitions)
        if made:
            logger.info("topics made", topics=made)

    def _serve(self) -> None:
        self.make_topics()
        session = GroupConsumer(membership=self.membership, dispatcher=self.dispatcher, stopped=self.stopped)
        try:
            session.run(each=Watch(process=self).turn)
        finally:
            session.close()

    def _wait(self, failures: int, error: Exception) -> None:
        pause = RETRY.pause(failures=failures)
        logger.warning("Kafka is not there, trying again", error=str(error), seconds=round(pause, 1))
        self.say(WAITING, "Kafka does not answer; requests wait there until it does.")
        self.stopped.wait(pause)


@dataclass
class Watch:
    """Looks up now and then from a session's work."""

    process: ConsumerProcess
    _said_at: float = field(default=0.0)
    _looked_at: float = field(default_factory=time.monotonic)

    def turn(self, partitions: int) -> None:
        """Say how it goes, and make topics again that somebody removed. Raises as make_topics."""
        now = time.monotonic()
        if now - self._said_at >= SAY_SECONDS:
            self._said_at = now
            waiting = "It has no partitions: others hold them all, or it is joining."
            self.process.say(SERVING if partitions else WAITING, "" if partitions else waiting)
            report_faults(process="consumer")
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self.process.make_topics()
