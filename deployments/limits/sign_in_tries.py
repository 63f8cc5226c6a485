"""Tries to give a password: only failures count, and nobody's failures keep somebody else out.

- One address that fails for one name waits after FREE_TRIES, twice as long each time.
- One address that fails for many names is bounded by AXION_RATE_SIGN_IN.
- A name that fails from everywhere leaves each address UNDER_ATTACK_TRIES: who has not failed there is never kept out.

A try is counted before the password is looked at, and taken back when it was right: many at once gain nothing. Counted
in Redis; without it nothing is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from agents.backoff import Backoff
from deployments.limits import rate_limit

FREE_TRIES = 5
UNDER_ATTACK_TRIES = 2
# Failures of one name, from all addresses in an hour.
MAX_CALM_FAILURES = 100
PAUSES = Backoff(first=2, most=900)
# So long after the first failure all is forgotten.
REMEMBERED_SECONDS = 3600

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Try:
    """Somebody claims to be `name`, from `address` (in the form in which addresses are counted)."""

    name: str
    address: str

    @property
    def pair(self) -> str:
        return _key("pair", f"{self.name}\n{self.address}")

    @property
    def pause(self) -> str:
        return _key("pause", f"{self.name}\n{self.address}")

    @property
    def of_name(self) -> str:
        return _key("name", self.name)


def begin(tried: Try, *, now: float) -> int:
    """Count the try; return 0 when it may be made, else the seconds to wait. `now` in seconds since 1970."""
    try:
        if wait := _until(cache.get(tried.pause), now=now):
            return wait
        wait = rate_limit.hit(
            what="sign-in-address", who=tried.address, rate=settings.AXION_RATE_SIGN_IN, now=now
        ) or _pause(tried, now=now)
    except RedisError as error:
        logger.warning("redis unavailable, limit not enforced", limit="sign-in", error=str(error))
        return 0
    if wait:
        logger.warning("too many failures to sign in", name=tried.name[:150], address=tried.address, wait=wait)
    return wait


def succeeded(tried: Try, *, now: float) -> None:
    """Take the try back: the password was right. `now` in seconds since 1970."""
    try:
        cache.delete_many([tried.pair, tried.pause])
        rate_limit.discount(tried.of_name)
    except RedisError as error:
        logger.warning("redis unavailable, limit not enforced", limit="sign-in", error=str(error))
        return
    rate_limit.take_back(what="sign-in-address", who=tried.address, rate=settings.AXION_RATE_SIGN_IN, now=now)


def _pause(tried: Try, *, now: float) -> int:
    """Return 0 when this try is free, or the first of its pause; else the seconds that are left of the pause."""
    count = rate_limit.count(tried.pair, seconds=REMEMBERED_SECONDS)
    of_name = rate_limit.count(tried.of_name, seconds=REMEMBERED_SECONDS)
    free = FREE_TRIES if of_name <= MAX_CALM_FAILURES else UNDER_ATTACK_TRIES
    if count < free:
        return 0
    seconds = round(PAUSES.ceiling(failures=count - free + 1))
    # Of several tries at once one begins the pause and may be made; the others wait for its end.
    if cache.add(tried.pause, now + seconds, timeout=seconds):
        return 0
    return _until(cache.get(tried.pause), now=now) or 1


def _until(moment: float | None, *, now: float) -> int:
    return 0 if moment is None or moment <= now else max(1, round(moment - now))


def _key(what: str, who: str) -> str:
    return f"sign-in-{what}:{rate_limit.digest(who)}"
