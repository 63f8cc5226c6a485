"""Creating the topics that we need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from deployments.kafka import broker

logger = structlog.get_logger(__name__)


def create_missing(names: Iterable[str], *, options: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[str, ...]:
    """Create those of the topics that do not exist; return the names of those created.

    What `options` does not say of a topic (partitions, copies, configuration) is as the brokers give it. A topic that
    we may not create is left to whoever may. Raises what broker.BROKER_AWAY names when no broker answers.
    """
    admin = KafkaAdminClient(**broker.connection(client_id="axion-deploy-topics"))
    try:
        missing = sorted(set(names) - set(admin.list_topics()))
        return tuple(name for name in missing if _create(admin, name, options=(options or {}).get(name, {})))
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, name: str, *, options: Mapping[str, Any]) -> bool:
    try:
        admin.create_topics({name: dict(options)}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        # Somebody else created it since it was missing.
        return False
    except KafkaError as error:
        logger.warning("topic not created", topic=name, error=str(error))
        return False
    return True
