"""From a request to its answer: read it, identify the caller, call the use case. Nothing here knows the broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connections
from django.utils import timezone
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from agents.db_errors import DATABASE_AWAY
from deployments.errors import Conflict, Forbidden
from deployments.kafka_api.errors import answer_to
from deployments.kafka_api.handlers import HEALTH, PATTERNS, Call, Pattern
from deployments.kafka_api.identity import Identify
from deployments.kafka_api.incoming import IncomingRecord, body_of
from deployments.kafka_api.kept_answers import KeptAnswers, Stamp
from deployments.kafka_api.metadata import metadata_of
from deployments.kafka_api.replies import Answer, success, unknown_pattern
from deployments.scopes import Scope

# Who asked for a deployment this long ago has given up on the answer and may have asked elsewhere.
MAX_EFFECT_AGE_MS = 600_000
DATABASE_ATTEMPTS = 3
MAX_PAUSE_SECONDS = 1.0


class Dispatcher:
    """Safe for threads, one database connection each."""

    def __init__(self, *, identify: Identify, health: Callable[[], Mapping[str, Any]]) -> None:
        self._identify = identify
        self._health = health
        self._kept = KeptAnswers()

    def answer(self, incoming: IncomingRecord) -> Answer:
        """Return the answer to a request, and never raise. A database that is away for a moment is asked again."""
        try:
            if incoming.topic == HEALTH:
                return Answer(body={"health": dict(self._health())})
            pattern = PATTERNS.get(incoming.topic)
            if pattern is None:
                return unknown_pattern(incoming.topic)
            return self._attempt(pattern, incoming)
        except Exception as error:
            return answer_to(error, topic=incoming.topic)

    def _attempt(self, pattern: Pattern, incoming: IncomingRecord) -> Answer:
        attempts = Retrying(
            retry=retry_if_exception_type(DATABASE_AWAY),
            stop=stop_after_attempt(DATABASE_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.1, max=MAX_PAUSE_SECONDS),
            before_sleep=lambda _: connections.close_all(),
            reraise=True,
        )
        return attempts(self._do, pattern, incoming)

    def _do(self, pattern: Pattern, incoming: IncomingRecord) -> Answer:
        body = body_of(incoming)
        metadata = metadata_of(body, incoming)
        caller = self._identify(metadata, incoming)
        if not caller.scope.allows(Scope.DEPLOY if pattern.has_effect else Scope.READ):
            raise Forbidden(caller.scope.refusal)
        if pattern.has_effect and time.time() * 1000 - incoming.timestamp_ms > MAX_EFFECT_AGE_MS:
            raise Conflict("The request waited too long to be carried out. Ask again.")
        call = Call(caller=caller, body=body, request_id=metadata.request_id, at=timezone.now())
        if pattern.stamp is None:
            return success(pattern.answer(call))
        seen = pattern.stamp(call)
        stamp = Stamp(subject=(incoming.topic, seen.deployment_id), state=seen.mark)
        return self._kept.answer(stamp, lambda: success(pattern.answer(call)))
