"""How fast somebody may go: so much at once, and so much a second afterwards. For one event loop."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MAX_KNOWN = 4096


class TokenBucket:
    """One sender's allowance. Who has used it up waits; nothing is refused and nothing lost."""

    def __init__(self, *, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = burst
        self._at = clock()

    def take(self, cost: float) -> float:
        """Take from the allowance, below zero too; returns the seconds until it is above zero again, 0 if it is."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second) - cost
        self._at = now
        return max(0.0, -self._left / self._per_second)

    async def spend(self, cost: float) -> None:
        """Take, and wait as long as that asks for."""
        if wait := self.take(cost):
            await asyncio.sleep(wait)


class TokenBuckets:
    """An allowance each for many; who was not met for longest is forgotten first."""

    def __init__(self, *, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._paces: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def wait(self, who: Hashable) -> float:
        """Return the seconds until this one has something left; takes nothing."""
        pace = self._paces.get(who)
        return 0.0 if pace is None else pace.take(0)

    def take(self, who: Hashable, *, cost: float = 1.0) -> float:
        """Take from this one's allowance, as TokenBucket.take does."""
        pace = self._paces.pop(who, None) or TokenBucket(
            burst=self._burst, per_second=self._per_second, clock=self._clock
        )
        self._paces[who] = pace
        if len(self._paces) > MAX_KNOWN:
            self._paces.popitem(last=False)
        return pace.take(cost)
