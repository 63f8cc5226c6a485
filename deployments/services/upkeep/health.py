"""How well the service can work now, and on what that hangs."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db import DatabaseError

from agents import isolation
from agents.reports.skipped_reports import SKIPPED
from deployments import process_status
from deployments.repositories.upkeep import database_check

CONSUMER = "kafka-consumer"
SERVING = "serving"
FAULTS = "faults"
SKIPPED_REPORTS = "skipped-reports"


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
    """Each asked now, within its own deadline; and what our loops and gateways cannot do, when there is any."""
    return (_postgresql(), _redis(), kafka(), *faults(), *skipped_reports())


def overall(asked: Iterable[Dependency]) -> Health:
    """Return the worst of them."""
    order = list(Health)
    return max((dependency.health for dependency in asked), key=order.index, default=Health.HEALTHY)


def report_consumer(*, name: str, state: str, message: str) -> None:
    """Store what a Kafka consumer says of itself, good for some seconds."""
    process_status.publish(kind=CONSUMER, name=name, state={"state": state, "message": message})


def report_faults(*, process: str) -> None:
    """Say what the loops of this process leave for later, if anything, for health answers of any process."""
    _report_counts(kind=FAULTS, process=process, counts=isolation.failing())


def report_skipped_reports(*, process: str) -> None:
    """Say what this process could not read of what agents said lately, if anything, for answers of any process."""
    _report_counts(kind=SKIPPED_REPORTS, process=process, counts=SKIPPED.recent())


def _report_counts(*, kind: str, process: str, counts: Mapping[str, int]) -> None:
    if counts:
        name = f"{process}:{socket.gethostname()}:{os.getpid()}"
        process_status.publish(kind=kind, name=name, state={what: str(count) for what, count in counts.items()})


def faults() -> tuple[Dependency, ...]:
    """Answer what the loops of all processes leave for later; empty when that is nothing, or not known."""
    states = process_status.read_all(kind=FAULTS) or {}
    sentences = sorted(
        f"{name.partition(':')[0]}: {loop} ({count} left for later; its log names each)."
        for name, state in states.items()
        for loop, count in state.items()
    )
    return (Dependency(name="loops", health=Health.DEGRADED, message=" ".join(sentences)),) if sentences else ()


def skipped_reports() -> tuple[Dependency, ...]:
    """Answer what gateways could not read of what agents said lately; empty when that is nothing, or not known."""
    counts: Counter[str] = Counter()
    for state in (process_status.read_all(kind=SKIPPED_REPORTS) or {}).values():
        counts.update({what: int(count) for what, count in state.items()})
    if not counts:
        return ()
    parts = ", ".join(f"{what}: {count}" for what, count in sorted(counts.items()))
    message = (
        f"Reports of agents were skipped as unreadable ({parts}; the gateway's log names each). An agent may be newer"
        " than this control plane."
    )
    return (Dependency(name="reports", health=Health.DEGRADED, message=message),)


def kafka() -> Dependency:
    """Return Kafka as our consumers see it. Never unhealthy: without it every other door is open."""
    states = process_status.read_all(kind=CONSUMER)
    if states is None:
        return _kafka(Health.DEGRADED, "Not known without Redis.")
    if any(state.get("state") == SERVING for state in states.values()):
        return _kafka(Health.HEALTHY)
    messages = sorted({state.get("message", "") for state in states.values()})
    return _kafka(Health.DEGRADED, " ".join(messages) or "No consumer of ours says that it serves.")


def _kafka(health: Health, message: str = "") -> Dependency:
    return Dependency(name="kafka", health=health, message=message)


def _postgresql() -> Dependency:
    try:
        database_check.ping()
    except DatabaseError:
        return Dependency(name="postgresql", health=Health.UNHEALTHY, message="It does not answer.")
    return Dependency(name="postgresql", health=Health.HEALTHY)


def _redis() -> Dependency:
    if process_status.read_all(kind=CONSUMER) is None:
        return Dependency(name="redis", health=Health.DEGRADED, message="It does not answer; work goes on, later.")
    return Dependency(name="redis", health=Health.HEALTHY)
