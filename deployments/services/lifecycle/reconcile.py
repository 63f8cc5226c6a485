"""Close what nobody answers: jobs that died, agents that are gone, waits that are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents.isolation import isolation
from deployments import queue
from deployments.repositories import clock, deployments
from deployments.repositories.deployments import Outcome
from deployments.repositories.upkeep import overdue
from deployments.services.lifecycle import cancel, finish, takeover
from deployments.services.lifecycle.builds import building
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord

BATCH = 100
# Names of loops, as health answers show them.
JOBS = "jobs for waiting deployments"
ENDS = "ends of overdue deployments"

NO_AGENT = (
    "no agent is enrolled on its server, so nobody was told to restore what ran before. What runs there is unknown"
    " until an agent is enrolled there again."
)

logger = structlog.get_logger(__name__)


def reconcile(*, at: datetime, waiting: bool = True, working: bool = True) -> int:
    """One round over everything that may be overdue; returns how many things it moved. Several may run at once.

    Who knows that nothing is pending says that none is `waiting`, and likewise of what is at work.

    What is overdue goes by the database's clock; `at` only dates what is stored of it. A part that fails is noted and
    the others run, and so it is with rows.
    """
    parts = isolation("reconciler")
    moved = 0
    rounds: dict[str, Callable[[], int]] = {}
    if waiting:
        rounds |= {"jobs": requeue_waiting, "pending": lambda: expire_pending(at=at)}
    if working:
        rounds |= {
            "managers": lambda: takeover.hand_on_lost(at=at),
            "active": lambda: expire_active(at=at),
            "lost agents": lambda: give_up_lost(at=at),
        }
    for name, part in rounds.items():
        if not parts.rests(name):
            with parts.item(name):
                moved += part()
    return moved


def requeue_waiting() -> int:
    """Give a new job to pending deployments whose turn it is and whose job has not taken them in time."""
    now = clock.now()
    overdue.hurry_returned(at=now)
    again = now + timedelta(seconds=settings.AXION_TAKEOVER_AFTER)
    due = overdue.claim_for_job(at=now, next_attempt_at=again, limit=BATCH)
    for deployment_id in due:
        with isolation(JOBS).item(deployment_id):
            queue.enqueue_run(deployment_id=deployment_id, attempt=int(now.timestamp() * 1000))
    return len(due)


def expire_pending(*, at: datetime) -> int:
    """Fail what has waited longer than AXION_PENDING_DEADLINE."""
    before = clock.now() - timedelta(seconds=settings.AXION_PENDING_DEADLINE)
    waited = f"It waited {settings.AXION_PENDING_DEADLINE} s"
    turn = f"{waited} in the queue. See what is running on the target, then retry."
    away = f"{waited}, as long as it may; nothing was sent. Deploy again when the agent is back."
    return _fail_each(
        overdue.pending_since(before=before, but_not=isolation(ENDS).resting(), limit=BATCH),
        still=lambda deployment: deployment.status is Status.PENDING,
        outcome=lambda deployment: Outcome(
            reason=Reason.EXPIRED, message=f"{deployment.message} {away}" if deployment.message else turn
        ),
        at=at,
    )


def expire_active(*, at: datetime) -> int:
    """Fail what has worked past its deadline, and order the agent to put back what ran before."""
    now = clock.now()

    def outcome(deployment: DeploymentRecord) -> Outcome:
        if deployment.cancel_requested_at is not None:
            message = f"Cancelled by {deployment.cancel_requested_by}, but the agent never confirmed that it stopped."
            return Outcome(reason=Reason.CANCELLED, message=message)
        if (build := building.underway(deployment)) is not None:
            message = (
                f"The images were not built on {building.name_of(build)} within {settings.AXION_DEPLOY_DEADLINE} s. "
                "Nothing was applied."
            )
            return Outcome(reason=Reason.EXPIRED, message=message)
        message = (
            f"Not finished within {settings.AXION_DEPLOY_DEADLINE} s; the agent was told to restore what ran before, "
            "unless it has proven the deployment by then."
        )
        return Outcome(reason=Reason.EXPIRED, message=message)

    return _fail_each(
        overdue.active_past(at=now, but_not=isolation(ENDS).resting(), limit=BATCH),
        still=lambda deployment: deployment.deadline_at is not None and deployment.deadline_at <= now,
        outcome=outcome,
        at=at,
    )


def give_up_lost(*, at: datetime) -> int:
    """Fail what an agent works on that has been silent for AXION_AGENT_LOST_AFTER."""
    message = (
        f"No contact with the agent for {settings.AXION_AGENT_LOST_AFTER} s. Its containers may still be running; "
        "when it reconnects it restores what ran before, unless it has proven the deployment by then."
    )
    return _fail_each(
        overdue.with_lost_agent(
            at=clock.now(), lost_after=settings.AXION_AGENT_LOST_AFTER, but_not=isolation(ENDS).resting(), limit=BATCH
        ),
        still=lambda _: True,
        outcome=lambda deployment: Outcome(reason=Reason.AGENT_LOST, message=_builder_lost(deployment) or message),
        at=at,
    )


def _builder_lost(deployment: DeploymentRecord) -> str:
    """Return what it means that the builder's agent is lost; empty where none was at work."""
    build = building.underway(deployment)
    if build is None:
        return ""
    return (
        f"No contact with the agent of {building.name_of(build)}, the builder of the cluster, for "
        f"{settings.AXION_AGENT_LOST_AFTER} s while it built the images. Nothing was applied."
    )


def _fail_each(
    ids: tuple[UUID, ...],
    *,
    still: Callable[[DeploymentRecord], bool],
    outcome: Callable[[DeploymentRecord], Outcome],
    at: datetime,
) -> int:
    moved = 0
    for deployment_id in ids:
        with isolation(ENDS).item(deployment_id), transaction.atomic():
            moved += _fail(deployment_id, still=still, outcome=outcome, at=at)
    return moved


def _fail(
    deployment_id: UUID,
    *,
    still: Callable[[DeploymentRecord], bool],
    outcome: Callable[[DeploymentRecord], Outcome],
    at: datetime,
) -> int:
    deployment = deployments.get_locked(deployment_id=deployment_id)
    if not ((deployment.holds_lane or deployment.status is Status.PENDING) and still(deployment)):
        # It ended, or moved on, since it was found overdue.
        return 0
    end = outcome(deployment)
    if deployment.holds_lane:
        end = _order_revert(deployment, end)
    finish.mark_failed(deployment_id=deployment_id, outcome=end, at=at)
    logger.warning("deployment settled", deployment_id=str(deployment_id), reason=end.reason)
    return 1


def _order_revert(deployment: DeploymentRecord, end: Outcome) -> Outcome:
    """Order the agent to put back what ran before; return the outcome, which says so when there is no agent."""
    # Who cancelled by hand gets the way back in any case; otherwise a success that is proven by then stays.
    keep_proven = deployment.cancel_requested_at is None
    sent = cancel.send_revert(
        deployment=deployment, asked_by="the control plane", cause=end.reason, keep_proven=keep_proven
    )
    return end if sent else replace(end, message=f"{end.message.split(';')[0].rstrip('.')}; {NO_AGENT}")
