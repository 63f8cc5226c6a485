"""One at a time, over all processes: a turn in Redis that is lost when its holder dies. Without Redis nobody waits."""

from __future__ import annotations

import secrets

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

# Of a holder that died; nothing that takes a turn takes so long.
LOST_AFTER = 120

logger = structlog.get_logger(__name__)


def acquire(*, what: str, who: str) -> str | None:
    """What to give back at the end; None when somebody has the turn."""
    mine = secrets.token_hex(8)
    try:
        return mine if cache.add(_key(what, who), mine, timeout=LOST_AFTER) else None
    except RedisError as error:
        logger.warning("redis is not there, nobody waits for a turn", error=str(error))
        return mine


def release(*, what: str, who: str, token: str) -> None:
    """Let the next have the turn; one that was lost meanwhile is left alone."""
    try:
        if cache.get(_key(what, who)) == token:
            cache.delete(_key(what, who))
    except RedisError as error:
        logger.warning("redis is not there, a turn is freed by time", error=str(error))


def _key(what: str, who: str) -> str:
    return f"turn:{what}:{who}"
