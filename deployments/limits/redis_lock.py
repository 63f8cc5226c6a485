"""One at a time, over all processes: a lock in Redis that expires when its holder dies. Without Redis nobody waits."""

from __future__ import annotations

import secrets

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

# In seconds. Nothing that holds a lock takes so long.
LOST_AFTER = 120

logger = structlog.get_logger(__name__)


def acquire(*, what: str, who: str) -> str | None:
    """Return the token to release the lock with; None when somebody holds it."""
    token = secrets.token_hex(8)
    try:
        return token if cache.add(_key(what, who), token, timeout=LOST_AFTER) else None
    except RedisError as error:
        logger.warning("redis unavailable, limit not enforced", limit=what, error=str(error))
        return token


def release(*, what: str, who: str, token: str) -> None:
    """Release the lock, unless it expired and somebody else holds it now."""
    try:
        if cache.get(_key(what, who)) == token:
            cache.delete(_key(what, who))
    except RedisError as error:
        logger.warning("redis unavailable, released by time", limit=what, error=str(error))


def _key(what: str, who: str) -> str:
    return f"turn:{what}:{who}"
