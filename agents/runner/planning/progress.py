"""How far a command is at each of its steps, in per cent. The control plane stores 100 with the success. Pure."""

from __future__ import annotations

BEGUN = 5
IMAGES_FIRST = 6
# Where images go to a registry, the rest of their share is for that.
BUILT_LAST, PUSHING_FIRST = 24, 25
IMAGES_LAST = 44
IMAGES_READY = 45
RUNNING_JOBS = 48
APPLYING = 50
# A stop has no health to watch: what it removes takes it from here to there.
STOPPING_FIRST = APPLYING
STOPPING_LAST = 95
WATCHING = 60
SWITCHING = 90
DONE = 100


def images_percent(*, provided: int, total: int, last: int = IMAGES_LAST) -> int:
    """Return how far a command is with so many of its images provided; with all of them it is at `last`."""
    return IMAGES_FIRST + (last - IMAGES_FIRST) * provided // total


def pushing_percent(*, fraction: float) -> int:
    """Return how far a command is with this fraction of what it pushes in the registry."""
    return PUSHING_FIRST + int((IMAGES_LAST - PUSHING_FIRST) * min(1.0, fraction))


def stopping_percent(*, stopped: int, total: int) -> int:
    """Return how far a stop is with so many of its groups of containers removed."""
    return STOPPING_FIRST + (STOPPING_LAST - STOPPING_FIRST) * stopped // total
