"""The words for how a service and a stack are. Pure."""

from __future__ import annotations

from enum import StrEnum


class ServiceCondition(StrEnum):
    """How a service is, worst first: of several copies the worst counts."""

    GONE = "gone"
    EXITED = "exited"
    RESTARTING = "restarting"
    UNHEALTHY = "unhealthy"
    # Fewer containers than were deployed.
    DEGRADED = "degraded"
    STOPPED = "stopped"
    PAUSED = "paused"
    STARTING = "starting"
    RUNNING = "running"


class StackCondition(StrEnum):
    """How a stack is."""

    UNKNOWN = "unknown"
    DEPLOYING = "deploying"
    GONE = "gone"
    STOPPED = "stopped"
    RESTARTING = "restarting"
    DEGRADED = "degraded"
    STARTING = "starting"
    RUNNING = "running"
    # Nothing is meant to run there, and nothing does.
    NOTHING = "nothing"


# For lists: what asks for a person comes first, what nobody knows before what is well.
WORST_FIRST = (
    StackCondition.GONE,
    StackCondition.RESTARTING,
    StackCondition.DEGRADED,
    StackCondition.STOPPED,
    StackCondition.UNKNOWN,
    StackCondition.DEPLOYING,
    StackCondition.STARTING,
    StackCondition.RUNNING,
    StackCondition.NOTHING,
)
