"""Errors over Kafka: one mapping to envelopes and transport errors. The text of others than ours is only logged."""

from __future__ import annotations

import structlog
from django.db import Error

from agents.errors import AgentError
from deployments.errors import DeployError, Unauthenticated
from deployments.kafka_api.replies import Answer, crashed, failure, not_signed_in

logger = structlog.get_logger(__name__)


def answer_to(error: Exception, *, topic: str) -> Answer:
    """Return the answer to an error that left a handler; log one that is not ours."""
    if isinstance(error, Unauthenticated):
        return not_signed_in(error.message)
    if isinstance(error, DeployError):
        return failure(code=error.code, message=error.message, details=error.details)
    if isinstance(error, AgentError):
        return failure(code=error.code, message=error.message)
    logger.error("kafka request failed", topic=topic, exc_info=error)
    if isinstance(error, Error):
        return failure(code="DATABASE_ERROR", message="The database does not answer. Try again.")
    return crashed()
