"""How well the service can work now, and on what that hangs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db import DatabaseError

from deployments import presence
from deployments.repositories import liveness

CONSUMER = "kafka-consumer"
SERVING = "serving"


class Health(StrEnum):
    """From good to bad. Degraded: everything asked for is done, but later or less safely."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """One thing the service hangs on. The message is for people and holds no address."""

    name: str
    health: Health
    message: str = ""


def dependencies() -> tuple[Dependency, ...]:
    """Each asked now, within its own deadline."""
    return (_postgresql(), _redis(), kafka())


def overall(found: Iterable[Dependency]) -> Health:
    """The worst of them."""
    order = list(Health)
    return max((each.health for each in found), key=order.index, default=Health.HEALTHY)


def say_consumer(*, name: str, state: str, message: str) -> None:
    """What a Kafka consumer says of itself, good for some seconds."""
    presence.say(kind=CONSUMER, name=name, state={"state": state, "message": message})


def kafka() -> Dependency:
    """Kafka as our consumers see it. Never unhealthy: without it every other door is open."""
    heard = presence.heard(kind=CONSUMER)
    if heard is None:
        return _kafka(Health.DEGRADED, "Not known without Redis.")
    if any(said.get("state") == SERVING for said in heard.values()):
        return _kafka(Health.HEALTHY)
    messages = sorted({said.get("message", "") for said in heard.values()})
    return _kafka(Health.DEGRADED, " ".join(messages) or "No consumer of ours says that it serves.")


def _kafka(health: Health, message: str = "") -> Dependency:
    return Dependency(name="kafka", health=health, message=message)


def _postgresql() -> Dependency:
    try:
        liveness.ask()
    except DatabaseError:
        return Dependency(name="postgresql", health=Health.UNHEALTHY, message="It does not answer.")
    return Dependency(name="postgresql", health=Health.HEALTHY)


def _redis() -> Dependency:
    if presence.heard(kind=CONSUMER) is None:
        return Dependency(name="redis", health=Health.DEGRADED, message="It does not answer; work goes on, later.")
    return Dependency(name="redis", health=Health.HEALTHY)
