"""The time in which a Swarm could be watched: what nobody leads shows nothing, which is no service's fault. Pure."""

from __future__ import annotations

from collections.abc import Callable

from agents.runner.commands.swarm.swarm_model import Seen

# A look that took longer was held up.
MOST_BETWEEN_LOOKS = 5.0


class WatchClock:
    """Stands still without a leader, and until a new one has heard from each node or missed it, as it soon does."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._at = 0.0

    def at(self, *, seen: Seen) -> float:
        """Return the seconds since the beginning, as far as they count, at the moment of a look that has seen this."""
        now = self._clock()
        if seen.is_heard:
            self._at += min(now - self._last, MOST_BETWEEN_LOOKS)
        self._last = now
        return self._at
