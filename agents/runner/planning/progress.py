"""How far a command is at each of its steps, in per cent. The control plane stores 100 with the success. Pure."""

from __future__ import annotations

BEGUN = 5
IMAGES_FIRST = 6
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


def images_percent(*, provided: int, total: int) -> int:
    """Return how far a command is with so many of its images provided."""
    return IMAGES_FIRST + (IMAGES_LAST - IMAGES_FIRST) * provided // total


def stopping_percent(*, stopped: int, total: int) -> int:
    """Return how far a stop is with so many of its groups of containers removed."""
    return STOPPING_FIRST + (STOPPING_LAST - STOPPING_FIRST) * stopped // total
