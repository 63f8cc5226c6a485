"""One request from being read to being answered: its reply or its dead letter is out before its offset counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.utils import timezone

from agents.isolation import isolation
from deployments.kafka_api.dead_letters import dead_letter
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.incoming import IncomingRecord, ReplyAddress, UnanswerableError, reply_address
from deployments.kafka_api.producer import ReplyProducer, TooLargeError, UndeliverableError
from deployments.kafka_api.replies import Answer, failure, reply_to
from deployments.kafka_api.workers import Job

TOO_LARGE = failure(
    code="VALIDATION_ERROR",
    message="The answer is larger than a message may be. Ask for less.",
    details={"pagination.limit": "smaller"},
)

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReplyDelivery:
    """Answers requests on the threads of `later`. `broken` is called when neither reply nor dead letter gets out."""

    dispatcher: Dispatcher
    producer: ReplyProducer
    broken: Callable[[UndeliverableError], None]

    def serve(self, incoming: IncomingRecord, *, later: Callable[[Job], None], done: Job) -> None:
        """Answer the request and call `done` exactly once, unless `broken` is called instead.

        A fault of ours ends as a dead letter, or where even that fails as an error in the log: it must not hold up the
        request's partition for ever.
        """
        finish = _Once(done)

        def guarded(job: Job) -> Job:
            return lambda: self._guarded(incoming, job, finish)

        guarded(lambda: self._serve(incoming, later=lambda job: later(guarded(job)), done=finish))()

    def _guarded(self, incoming: IncomingRecord, job: Job, finish: Job) -> None:
        """Do the job. What it raises ends the request as a dead letter."""
        if isolation("requests").attempt(incoming.record_name, job):
            return
        fault = UnanswerableError("A fault of ours; the consumer's log says which.")

        def give_up() -> None:
            self._dead_letter(incoming, code="INTERNAL_ERROR", error=fault, done=finish)

        if not isolation("dead letters").attempt(incoming.record_name, give_up):
            finish()

    def _serve(self, incoming: IncomingRecord, *, later: Callable[[Job], None], done: Job) -> None:
        try:
            address = reply_address(incoming)
        except UnanswerableError as error:
            self._dead_letter(incoming, code="VALIDATION_ERROR", error=error, done=done)
            return
        answer = self.dispatcher.answer(incoming)
        if address is not None:
            self._reply(incoming, address, answer, later=later, done=done)
        elif answer.code:
            refused = UnanswerableError(answer.message)
            self._dead_letter(incoming, code=answer.code, error=refused, done=done)
        else:
            done()

    def _reply(
        self,
        incoming: IncomingRecord,
        address: ReplyAddress,
        answer: Answer,
        *,
        later: Callable[[Job], None],
        done: Job,
    ) -> None:
        def failed(error: UndeliverableError) -> None:
            # Not on the sending thread, which would wait for itself.
            if isinstance(error, TooLargeError) and answer is not TOO_LARGE:
                later(lambda: self._reply(incoming, address, TOO_LARGE, later=later, done=done))
            else:
                later(lambda: self._dead_letter(incoming, code="EXTERNAL_SERVICE_ERROR", error=error, done=done))

        self.producer.send(reply_to(address, answer), key=None, sent=done, failed=failed)

    def _dead_letter(self, incoming: IncomingRecord, *, code: str, error: Exception, done: Job) -> None:
        logger.warning("request not answered", record=incoming.record_name, error=str(error))
        if incoming.is_replay:
            # It came from the dead letters and does not go there again.
            done()
            return
        letter = dead_letter(incoming, code=code, name=type(error).__name__, message=str(error), at=timezone.now())
        self.producer.send(letter, key=incoming.key, sent=done, failed=self.broken)


class _Once:
    """Call what it holds the first time only."""

    def __init__(self, call: Job) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._called = False

    def __call__(self) -> None:
        with self._lock:
            first, self._called = not self._called, True
        if first:
            self._call()
