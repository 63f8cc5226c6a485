"""How processes are, published by themselves in Redis for a few seconds: for health answers and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

EXPIRE_SECONDS = 15
TIMEOUT_SECONDS = 1.0
PREFIX = "axion:presence:"
MAX_PROCESSES = 1000

logger = structlog.get_logger(__name__)


def publish(*, kind: str, name: str, state: Mapping[str, str]) -> None:
    """Publish the state of this process for EXPIRE_SECONDS; without Redis nothing is published."""
    try:
        with _redis() as redis:
            redis.set(f"{PREFIX}{kind}:{name}", json.dumps(dict(state)), ex=EXPIRE_SECONDS)
    except RedisError as error:
        logger.debug("process status not published", error=str(error))


def read_all(*, kind: str) -> dict[str, dict[str, str]] | None:
    """Return the last state of each process of this kind, by name; None when Redis does not answer."""
    try:
        with _redis() as redis:
            names = list(redis.scan_iter(match=f"{PREFIX}{kind}:*", count=MAX_PROCESSES))[:MAX_PROCESSES]
            values = redis.mget(names) if names else []
    except RedisError:
        return None
    return {
        name.decode().removeprefix(f"{PREFIX}{kind}:"): json.loads(value)
        for name, value in zip(names, values, strict=True)
        if value is not None
    }


def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
