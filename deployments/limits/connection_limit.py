"""How many sockets a user holds open, over all processes: seats in Redis that are lost unless they are kept.

A process that dies frees its seats by no longer keeping them. Without Redis nobody is refused.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

# A seat is kept at every look of its socket, which is much more often.
LOST_AFTER = 60.0

logger = structlog.get_logger(__name__)


@sync_to_async
def acquire(*, user_id: UUID, connection_id: str, now: float) -> bool:
    """Take or keep a seat; False when all are taken by others. `now` in seconds since 1970."""
    name = _name(user_id)
    try:
        with _redis() as redis, redis.pipeline() as asked:
            asked.zremrangebyscore(name, 0, now - LOST_AFTER)
            asked.zadd(name, {connection_id: now})
            asked.zcard(name)
            asked.expire(name, int(LOST_AFTER) * 2)
            _, added, seats, _ = asked.execute()
            if added and seats > settings.AXION_SOCKETS_PER_USER:
                redis.zrem(name, connection_id)
                return False
    except RedisError as error:
        logger.warning("redis is not there, sockets are not counted", error=str(error))
    return True


@sync_to_async
def release(*, user_id: UUID, connection_id: str) -> None:
    """Free the seat."""
    try:
        with _redis() as redis:
            redis.zrem(_name(user_id), connection_id)
    except RedisError as error:
        logger.warning("redis is not there, a seat is freed by time", error=str(error))


def _name(user_id: UUID) -> str:
    return f"axion:sockets:{user_id}"


def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
