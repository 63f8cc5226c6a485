"""The answer to `health.check`, in the platform's words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from deployments.events import epoch_ms
from deployments.kafka_api.dead_letters import SERVICE_NAME
from deployments.services.upkeep.health import Dependency, Health, dependencies, overall

# Many may ask, and each dependency is asked over the network.
KEPT_SECONDS = 1.0
WORDS = {health: f"HEALTH_STATUS_{health.upper()}" for health in Health}


def health_shape(found: tuple[Dependency, ...], *, at: datetime) -> dict[str, Any]:
    """snake_case here, unlike everywhere else: it is what callers of `health.check` read."""
    said = [each.message for each in found if each.message]
    return {
        "status": WORDS[overall(found)],
        "service_name": SERVICE_NAME,
        "timestamp": epoch_ms(at),
        "details": " ".join(said),
        "dependencies": [{"name": each.name, "status": WORDS[each.health], "message": each.message} for each in found],
    }


def health_check(*, trusting: bool, now: Callable[[], datetime]) -> Callable[[], Mapping[str, Any]]:
    """Return what answers `health.check`, asking again after KEPT_SECONDS.

    A consumer that believes every user id (`trusting`) says that it is degraded.
    """

    kept: tuple[float, Mapping[str, Any]] = (0.0, {})

    def check() -> Mapping[str, Any]:
        nonlocal kept
        until, answer = kept
        if time.monotonic() >= until:
            answer = ask()
            kept = (time.monotonic() + KEPT_SECONDS, answer)
        return answer

    def ask() -> Mapping[str, Any]:
        found = dependencies()
        if trusting:
            message = "Every user id is believed (AXION_KAFKA_IDENTITY=trust): for development alone."
            found = (*found, Dependency(name="identity", health=Health.DEGRADED, message=message))
        return health_shape(found, at=now())

    return check
