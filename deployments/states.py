"""The states of a deployment and the only table of legal transitions. Pure.

    pending -> in_progress -> success | failed
    in_progress | success | failed -> rolling_back -> rolled_back | failed | success
    failed -> success

`pending` may fail without starting (superseded, expired, invalid, cancelled). `rolling_back` returns to `success` when
the rollback of a successful deployment failed and its stack was put back. `failed` returns to `success` when nobody
could hear the agent (lost, expired) and it had proven the deployment by then.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The six statuses of the wire; why a deployment failed is a Reason of its own."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILED = "failed"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


class Kind(StrEnum):
    """What a deployment does with its target."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    STOP = "stop"
    SCALE = "scale"
    # Of a row that a later version stored; never stored by this one.
    UNKNOWN = "unknown"


class Transition(StrEnum):
    """What may be asked of a deployment's status."""

    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"
    BEGIN_ROLLBACK = "begin_rollback"
    FINISH_ROLLBACK = "finish_rollback"
    PUT_BACK = "put_back"
    PROVE_LATE = "prove_late"


class Reason(StrEnum):
    """Why a deployment did not succeed."""

    NONE = ""
    UNHEALTHY = "unhealthy"
    BUILD = "build"
    IMAGE = "image"
    APPLY = "apply"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    AGENT_LOST = "agent_lost"
    SUPERSEDED = "superseded"
    INVALID = "invalid"
    PEER = "peer"
    REFUSED = "refused"
    INTERNAL = "internal"


class Stage(StrEnum):
    """Steps of a deployment in progress, in order."""

    NONE = ""
    BUILDING = "building"
    PUSHING = "pushing"
    DEPLOYING = "deploying"
    HEALTH_CHECKING = "health_checking"
    COMPLETED = "completed"


# Per cent of a deployment: when the agent is given its command, the most that a report reaches, and a stored success.
# What lies between is in agents/runner/planning/progress.py.
HANDED_OVER_PERCENT = 5
MAX_REPORTED_PERCENT = 99
DONE_PERCENT = 100

ACTIVE = frozenset({Status.IN_PROGRESS, Status.ROLLING_BACK})
UNFINISHED = ACTIVE | {Status.PENDING}
FINISHED = frozenset(Status) - UNFINISHED

TRANSITIONS: dict[Transition, tuple[frozenset[Status], Status]] = {
    Transition.START: (frozenset({Status.PENDING}), Status.IN_PROGRESS),
    Transition.SUCCEED: (frozenset({Status.IN_PROGRESS}), Status.SUCCESS),
    Transition.FAIL: (frozenset({Status.PENDING, Status.IN_PROGRESS, Status.ROLLING_BACK}), Status.FAILED),
    Transition.BEGIN_ROLLBACK: (frozenset({Status.IN_PROGRESS, Status.SUCCESS, Status.FAILED}), Status.ROLLING_BACK),
    Transition.FINISH_ROLLBACK: (frozenset({Status.ROLLING_BACK}), Status.ROLLED_BACK),
    Transition.PUT_BACK: (frozenset({Status.ROLLING_BACK}), Status.SUCCESS),
    Transition.PROVE_LATE: (frozenset({Status.FAILED}), Status.SUCCESS),
}


class IllegalTransitionError(Exception):
    """A transition that the table does not hold was asked for."""

    def __init__(self, *, status: Status, transition: Transition) -> None:
        super().__init__(f"A deployment that is {status} cannot {transition}.")
        self.status = status
        self.transition = transition


def next_status(*, status: Status, transition: Transition) -> Status:
    """Return where the transition leads. Raises IllegalTransitionError when the table does not hold the pair."""
    sources, target = TRANSITIONS[transition]
    if status not in sources:
        raise IllegalTransitionError(status=status, transition=transition)
    return target
