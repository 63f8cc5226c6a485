"""How many sockets a user holds open, over all processes.

Each open socket is an entry in Redis that expires unless it is renewed: a process that dies frees its own by that.
Without Redis nobody is refused.
"""

from __future__ import annotations

from functools import cache
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

# In seconds. A socket renews its entry much more often.
LOST_AFTER = 60.0

logger = structlog.get_logger(__name__)


@sync_to_async
def acquire(*, user_id: UUID, connection_id: str, now: float) -> bool:
    """Count this connection, or renew it; return False when others take up all that there may be.

    `now` in seconds since 1970.
    """
    name = _name(user_id)
    try:
        redis = _redis(settings.REDIS_URL)
        with redis.pipeline() as pipeline:
            pipeline.zremrangebyscore(name, 0, now - LOST_AFTER)
            pipeline.zadd(name, {connection_id: now})
            pipeline.zcard(name)
            pipeline.expire(name, int(LOST_AFTER) * 2)
            _, added, count, _ = pipeline.execute()
            if added and count > settings.AXION_SOCKETS_PER_USER:
                redis.zrem(name, connection_id)
                return False
    except RedisError as error:
        logger.warning("redis unavailable, limit not enforced", limit="sockets", error=str(error))
    return True


@sync_to_async
def release(*, user_id: UUID, connection_id: str) -> None:
    """Count this connection no longer."""
    try:
        _redis(settings.REDIS_URL).zrem(_name(user_id), connection_id)
    except RedisError as error:
        logger.warning("redis unavailable, released by time", limit="sockets", error=str(error))


def _name(user_id: UUID) -> str:
    return f"axion:sockets:{user_id}"


@cache
def _redis(url: str) -> Redis:
    """Return the process's client: hundreds of sockets renew their entries every few seconds."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
