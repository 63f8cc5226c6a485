"""How long to wait before trying again; pure but for the jitter. The runner and the control plane share it."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Beyond this many doublings any pause is at its bound, and a power of two would soon be no float any more.
MAX_DOUBLINGS = 64

# An agent that looks for its gateway is never silent for longer between two attempts, in seconds.
MAX_AGENT_PAUSE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses in seconds: `first` after one failure, doubled with each further one in a row, never above `most`."""

    first: float
    most: float

    def ceiling(self, *, failures: int) -> float:
        """Return the longest pause after so many failures in a row, for any number of them."""
        return min(self.most, self.first * 2.0 ** min(max(failures - 1, 0), MAX_DOUBLINGS))

    def pause(self, *, failures: int) -> float:
        """Return a pause between half of the ceiling and the ceiling, so that many who failed at once spread out."""
        return self.ceiling(failures=failures) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
