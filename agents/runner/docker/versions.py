"""What Docker and Compose of this host understand, by their versions. Pure."""

from __future__ import annotations

import re

# Docker Engine 25, and the Compose that reads it; older ones refuse a file that has it.
START_INTERVAL_API = (1, 44)
START_INTERVAL_COMPOSE = (2, 21)


def numbers_of(text: str) -> tuple[int, ...]:
    """Return (2, 26, 1) for `2.26.1-4` or `v2.26.1`; empty when it does not begin with a number."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", text.strip())
    return tuple(map(int, found[1].split("."))) if found else ()


def understand_start_interval(*, api: tuple[int, ...], compose: tuple[int, ...]) -> bool:
    return api >= START_INTERVAL_API and compose >= START_INTERVAL_COMPOSE
