"""The states of a deployment and the only table of legal transitions. Pure.

    pending -> in_progress -> success | failed
    in_progress | success | failed -> rolling_back -> rolled_back | failed | success
    failed -> success

`pending` may fail without starting (superseded, expired, invalid, cancelled). `rolling_back` returns to `success` when
the rollback of a successful deployment failed and its stack was put back. `failed` returns to `success` when nobody
could hear the agent (lost, expired) and it had proven the deployment by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from agents.wording.sentences import sentence


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
    RESTART = "restart"
    REPAIR = "repair"
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


class Result(StrEnum):
    """What people read of a deployment: one word for one outcome, on every page and in the terminal."""

    WAITING = "waiting"
    DEPLOYING = "deploying"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    RESTORING = "restoring"
    RESTORED = "restored"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


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
HANDED_OVER_PERCENT = 4
MAX_REPORTED_PERCENT = 99
DONE_PERCENT = 100

ACTIVE = frozenset({Status.IN_PROGRESS, Status.ROLLING_BACK})
UNFINISHED = ACTIVE | {Status.PENDING}
FINISHED = frozenset(Status) - UNFINISHED

RESULT_LABELS: Mapping[Result, str] = {
    Result.WAITING: sentence("Queued"),
    Result.DEPLOYING: sentence("Deploying"),
    Result.CANCELLING: sentence("Cancelling"),
    Result.SUCCEEDED: sentence("Succeeded"),
    Result.FAILED: sentence("Failed"),
    Result.CANCELLED: sentence("Cancelled"),
    Result.SUPERSEDED: sentence("Superseded"),
    Result.RESTORING: sentence("Failed, restoring the previous version"),
    Result.RESTORED: sentence("Failed, previous version restored"),
    Result.ROLLING_BACK: sentence("Rolling back"),
    Result.ROLLED_BACK: sentence("Rolled back"),
}
# What counts as a failure wherever failures are counted.
FAILURES = frozenset({Result.FAILED, Result.RESTORING, Result.RESTORED})
KIND_LABELS: Mapping[Kind, str] = {
    Kind.DEPLOY: sentence("Deploy"),
    Kind.ROLLBACK: sentence("Rollback"),
    Kind.STOP: sentence("Stop"),
    Kind.SCALE: sentence("Scale"),
    Kind.RESTART: sentence("Restart"),
    Kind.REPAIR: sentence("Repair"),
    Kind.UNKNOWN: sentence("Unknown"),
}
# Why it failed, in a few words for lists.
REASON_LABELS: Mapping[Reason, str] = {
    Reason.UNHEALTHY: sentence("unhealthy"),
    Reason.BUILD: sentence("build failed"),
    Reason.IMAGE: sentence("no image"),
    Reason.APPLY: sentence("could not start"),
    Reason.CANCELLED: sentence("cancelled"),
    Reason.EXPIRED: sentence("timed out"),
    Reason.AGENT_LOST: sentence("agent lost"),
    Reason.SUPERSEDED: sentence("superseded"),
    Reason.INVALID: sentence("rejected"),
    Reason.PEER: sentence("another service failed"),
    Reason.REFUSED: sentence("refused by the agent"),
    Reason.INTERNAL: sentence("internal error"),
}
# The step that failed, where the reason says it; of any other reason it is the last stage that was reached.
FAILED_STAGE: Mapping[Reason, Stage] = {
    Reason.BUILD: Stage.BUILDING,
    Reason.IMAGE: Stage.BUILDING,
    Reason.APPLY: Stage.DEPLOYING,
    Reason.UNHEALTHY: Stage.HEALTH_CHECKING,
}

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


def result_of(*, status: Status, reason: str = "", undone: bool = False, cancelling: bool = False) -> Result:
    """Return the word for people. `undone`: a rollback of its own takes or took it back, so nothing restored itself."""
    if status is Status.IN_PROGRESS:
        return Result.CANCELLING if cancelling else Result.DEPLOYING
    if status is Status.FAILED:
        return {Reason.CANCELLED: Result.CANCELLED, Reason.SUPERSEDED: Result.SUPERSEDED}.get(
            Reason(reason), Result.FAILED
        )
    if status is Status.ROLLING_BACK:
        return Result.ROLLING_BACK if undone else Result.RESTORING
    if status is Status.ROLLED_BACK:
        return Result.ROLLED_BACK if undone else Result.RESTORED
    return Result.WAITING if status is Status.PENDING else Result.SUCCEEDED
