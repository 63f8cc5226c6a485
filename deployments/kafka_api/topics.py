"""The topics of this door: their names, and making those that are missing."""

from __future__ import annotations

import structlog
from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from deployments.kafka import broker
from deployments.kafka_api.handlers import HEALTH, PATTERNS
from deployments.kafka_api.producer import LARGEST_MESSAGE

DEAD_LETTERS = "deployment-service-dlq"
REPLY_SUFFIX = ".reply"
# Requests hold tokens and values; older than ten minutes they have no effect, and nobody waits for their replies.
RETENTION_MS = 15 * 60 * 1000
# Every request topic of this service, also one we have no handler for: its callers are told so instead of waiting.
SUBSCRIPTION = r"^(deployment-service\.(?!events$)(?!.*\.reply$).+|health\.check)$"

logger = structlog.get_logger(__name__)


def needed() -> tuple[str, ...]:
    """Requests, their replies and the dead letters."""
    requests = (*PATTERNS, HEALTH)
    return (*requests, *(name + REPLY_SUFFIX for name in requests), DEAD_LETTERS)


def create_missing(*, partitions: int) -> tuple[str, ...]:
    """Make the topics that are not there; returns their names. Raises what broker.BROKER_AWAY names.

    Topics that we may not create are left to whoever may.
    """
    admin = KafkaAdminClient(**broker.connection(client_id="axion-deploy-topics"))
    try:
        missing = sorted(set(needed()) - set(admin.list_topics()))
        return tuple(name for name in missing if _create(admin, name, partitions=partitions))
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, name: str, *, partitions: int) -> bool:
    configs = {"max.message.bytes": str(LARGEST_MESSAGE)}
    if name != DEAD_LETTERS:
        configs["retention.ms"] = str(RETENTION_MS)
    wanted = {"num_partitions": partitions, "configs": configs}
    try:
        admin.create_topics({name: wanted}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return False
    except KafkaError as error:
        logger.warning("topic not created", topic=name, error=str(error))
        return False
    return True
