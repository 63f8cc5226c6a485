"""What processes say of themselves, in Redis for a few seconds: for health answers and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

SECONDS = 15
TIMEOUT_SECONDS = 1.0
PREFIX = "axion:presence:"
MOST = 1000

logger = structlog.get_logger(__name__)


def publish(*, kind: str, name: str, state: Mapping[str, str]) -> None:
    """Good for SECONDS. Redis may be down: then nobody hears it."""
    try:
        with _redis() as redis:
            redis.set(f"{PREFIX}{kind}:{name}", json.dumps(dict(state)), ex=SECONDS)
    except RedisError as error:
        logger.debug("presence not noted", error=str(error))


def read_all(*, kind: str) -> dict[str, dict[str, str]] | None:
    """What processes of this kind last said, by name; None when Redis does not answer."""
    try:
        with _redis() as redis:
            names = list(redis.scan_iter(match=f"{PREFIX}{kind}:*", count=MOST))[:MOST]
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
