"""What a rollback by hand does to the deployment that it undoes. Always inside a transaction that holds the rollback's
row; takes the row of the other one after it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deployments.repositories import deployments, history
from deployments.repositories.deployments import Outcome
from deployments.states import Status, Transition
from deployments.types import DeploymentRecord

CAN_BE_UNDONE = frozenset({Status.SUCCESS, Status.FAILED})


def begin(*, rollback: DeploymentRecord, at: datetime) -> bool:
    """Move the undone one to rolling_back; return False, and change nothing, when its status no longer allows it."""
    undone = _undone(rollback)
    if undone.status not in CAN_BE_UNDONE:
        return False
    deployments.advance(
        deployment_id=undone.id,
        transition=Transition.BEGIN_ROLLBACK,
        at=at,
        rolled_back_by_id=rollback.id,
        former_status=undone.status,
    )
    return True


def finish(*, rollback: DeploymentRecord, at: datetime) -> None:
    """Move the undone one, and its history entry, to rolled_back: the rollback is a proven success."""
    undone = _undone(rollback)
    if not _is_undone_by(undone, rollback):
        return
    outcome = Outcome(
        reason=undone.reason,
        message=f"Rolled back by {rollback.requested_by}.",
        failed_service=undone.failed_service,
        log_tail=undone.log_tail,
    )
    deployments.advance(deployment_id=undone.id, transition=Transition.FINISH_ROLLBACK, outcome=outcome, at=at)
    history.mark_rolled_back(deployment_id=undone.id)


def give_up(*, rollback: DeploymentRecord, outcome: Outcome, former_runs: bool, at: datetime) -> None:
    """Make the undone one again what it was, with the reason: the rollback failed.

    One that was a success is so again only when the agent has proven that its stack still runs; otherwise it failed.
    """
    undone = _undone(rollback)
    if not _is_undone_by(undone, rollback):
        # The rollback ended before it started, so it has changed nothing.
        return
    message = f"The rollback failed: {outcome.message}"
    columns: dict[str, Any] = {"rolled_back_by_id": None, "completed_at": undone.completed_at or at}
    if undone.former_status == Status.FAILED:
        failed_before = Outcome(
            reason=undone.reason,
            message=f"{undone.message} {message}".strip(),
            failed_service=undone.failed_service,
            log_tail=undone.log_tail,
        )
        deployments.advance(
            deployment_id=undone.id, transition=Transition.FAIL, outcome=failed_before, at=at, **columns
        )
        return
    if not former_runs:
        message += " What runs now is unknown."
    failure = Outcome(
        reason=outcome.reason, message=message, failed_service=outcome.failed_service, log_tail=outcome.log_tail
    )
    transition = Transition.PUT_BACK if former_runs else Transition.FAIL
    deployments.advance(deployment_id=undone.id, transition=transition, outcome=failure, at=at, **columns)


def _undone(rollback: DeploymentRecord) -> DeploymentRecord:
    assert rollback.rollback_of is not None, "only a rollback undoes another deployment"
    return deployments.get_locked(deployment_id=rollback.rollback_of)


def _is_undone_by(undone: DeploymentRecord, rollback: DeploymentRecord) -> bool:
    """Return whether the rollback undoes it now; not so for a rollback that never started."""
    return undone.status is Status.ROLLING_BACK and undone.rolled_back_by == rollback.id
