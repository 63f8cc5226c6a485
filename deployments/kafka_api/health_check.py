"""The answer to `health.check`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from deployments.event_types import epoch_ms
from deployments.kafka_api.dead_letters import SERVICE_NAME
from deployments.services.upkeep.health import Dependency, Health, dependencies, overall

# Many may ask, and each dependency is asked over the network.
CACHE_SECONDS = 1.0
WORDS = {health: f"HEALTH_STATUS_{health.upper()}" for health in Health}


def health_shape(checked: tuple[Dependency, ...], *, at: datetime) -> dict[str, Any]:
    """Return the health of all, in snake_case unlike everywhere else: callers of `health.check` read that."""
    messages = [dependency.message for dependency in checked if dependency.message]
    return {
        "status": WORDS[overall(checked)],
        "service_name": SERVICE_NAME,
        "timestamp": epoch_ms(at),
        "details": " ".join(messages),
        "dependencies": [
            {"name": dependency.name, "status": WORDS[dependency.health], "message": dependency.message}
            for dependency in checked
        ],
    }


def health_check(*, trusting: bool, now: Callable[[], datetime]) -> Callable[[], Mapping[str, Any]]:
    """Return what answers `health.check`, asking again after CACHE_SECONDS.

    A consumer that believes every user id (`trusting`) says that it is degraded.
    """

    cached: tuple[float, Mapping[str, Any]] = (0.0, {})

    def check() -> Mapping[str, Any]:
        nonlocal cached
        until, answer = cached
        if time.monotonic() >= until:
            answer = ask()
            cached = (time.monotonic() + CACHE_SECONDS, answer)
        return answer

    def ask() -> Mapping[str, Any]:
        found = dependencies()
        if trusting:
            message = "Every user id is believed (AXION_KAFKA_IDENTITY=trust): for development alone."
            found = (*found, Dependency(name="identity", health=Health.DEGRADED, message=message))
        return health_shape(found, at=now())

    return check
