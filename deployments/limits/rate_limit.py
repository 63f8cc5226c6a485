"""How often somebody may do something, counted in Redis for all processes together.

Windows are fixed: at their border twice the rate may pass once. Without Redis nothing is refused: it carries no truth,
and who is signed in and what is stored are checked elsewhere.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

SECONDS = {"s": 1, "min": 60, "hour": 3600, "day": 86400}

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `times` in each window of `seconds`."""

    times: int
    seconds: int


def rate_of(text: str) -> Rate:
    """Read a rate such as "600/min". Raises ValueError."""
    times, _, per = text.partition("/")
    if not times.isdigit() or int(times) < 1 or per not in SECONDS:
        raise ValueError(f"{text!r} is not a rate such as 600/min.")
    return Rate(times=int(times), seconds=SECONDS[per])


def hit(*, what: str, who: str, rate: str, now: float) -> int:
    """Count one use; return 0 when it is within the rate, else the seconds until the next one is.

    `now` in seconds since 1970.
    """
    allowed = rate_of(rate)
    key, elapsed = _key(what=what, who=who, allowed=allowed, now=now)
    try:
        used = count(key, seconds=allowed.seconds + 1)
    except RedisError as error:
        logger.warning("redis unavailable, limit not enforced", limit=what, error=str(error))
        return 0
    return 0 if used <= allowed.times else max(1, round(allowed.seconds - elapsed))


def take_back(*, what: str, who: str, rate: str, now: float) -> None:
    """Count one use less in the present window, for one that turned out not to count."""
    key, _ = _key(what=what, who=who, allowed=rate_of(rate), now=now)
    try:
        discount(key)
    except RedisError as error:
        logger.warning("redis unavailable, limit not enforced", limit=what, error=str(error))


def count(key: str, *, seconds: int) -> int:
    """Count one more under this key and return the count; it begins anew `seconds` after the first."""
    cache.add(key, 0, timeout=seconds)
    try:
        return int(cache.incr(key))
    except ValueError:
        # It expired between the two statements.
        return 1


def discount(key: str) -> None:
    """Count one less under this key, unless it has expired."""
    with suppress(ValueError):
        cache.decr(key)


def digest(who: str) -> str:
    """Return what stands for a name in a key."""
    # A name may be anything that somebody typed.
    return hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()[:32]


def _key(*, what: str, who: str, allowed: Rate, now: float) -> tuple[str, float]:
    """Return the key of the window that `now` is in, and the seconds of it that have elapsed."""
    window, elapsed = divmod(now, allowed.seconds)
    return f"{what}:{digest(who)}:{int(window)}", elapsed
