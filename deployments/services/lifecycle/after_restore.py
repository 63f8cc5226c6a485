"""What was decided while the agent could not be heard, held against what it tells when it is heard again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents import gateway
from agents.states import CommandOutcome as AgentOutcome
from agents.types import CommandFinished
from deployments.repositories import clock, deployments, history
from deployments.repositories.deployments import Outcome
from deployments.services.lifecycle import finish, observations, proof
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord

# Nobody asked for these ends: only the agent's silence did.
UNHEARD = frozenset({Reason.AGENT_LOST, Reason.EXPIRED})
UNKNOWN = (
    "What became of it is unknown: the control plane's database was restored to a time before newer commands, which the"
    " agent has carried out. Nothing was reverted. Look at what runs on the server, then deploy again."
)
PROVEN_LATE = "The agent proved it while it could not be heard, so what was decided meanwhile does not hold."

logger = structlog.get_logger(__name__)


def prove_late(*, deployment: DeploymentRecord, said: CommandFinished, reverted: bool, at: datetime) -> bool:
    """Make a deployment a success that was given up for silence alone and was proven. False when it is none.

    Under the lane's lock, inside a transaction that holds the deployment's row. `reverted`: the agent answers the order
    to go back, which it did not follow. Where that order is on its way to an agent that would follow it, its answer
    decides. Nothing that succeeded in the lane later is put behind it.
    """
    given_up = deployment.status is Status.FAILED and deployment.reason in UNHEARD
    if not given_up or deployment.cancel_requested_at is not None or said.outcome is not AgentOutcome.SUCCEEDED:
        return False
    newer = gateway.ordered_after(command_id=finish.deploy_command_id(deployment.id))
    if history.any_of(deployment_ids=newer):
        return False
    seen = observations.seen_services(deployment=deployment, observed=said.services, at=at)
    if proof.doubt(deployment=seen, said=said) is not None:
        return False
    if not (reverted or _stays(deployment)):
        return False
    proven = observations.observe_services(deployment=deployment, observed=said.services, at=at)
    finish.mark_proven_late(deployment=proven, message=PROVEN_LATE, at=at)
    logger.info("deployment proven late", deployment_id=str(deployment.id), reason=deployment.reason)
    return True


def _stays(deployment: DeploymentRecord) -> bool:
    """Whether no order takes it back any more: one that no agent has received is withdrawn."""
    gateway.withdraw(deployment_id=deployment.id)
    return gateway.keeps_proven(command_id=finish.revert_command_id(deployment.id))


def end_as_unknown(*, deployment_id: UUID, command_id: UUID, at: datetime) -> None:
    """The control plane's database went back in time, and the agent knows of newer commands than this one.

    Ends what is in progress without an order to go back, and takes back such an order that nobody asked for. Opens its
    own transaction.
    """
    with transaction.atomic():
        deployment = deployments.get_locked(deployment_id=deployment_id)
        gateway.finish(command_id=command_id)
        if deployment.holds_lane:
            outcome = Outcome(reason=Reason.INTERNAL, message=UNKNOWN)
            finish.mark_failed(deployment_id=deployment_id, outcome=outcome, at=at)
        elif deployment.status is Status.FAILED:
            deployments.confirm_revert(deployment_id=deployment_id, message=f"{deployment.message} {UNKNOWN}", at=at)
    logger.warning("what became of a deployment is unknown", deployment_id=str(deployment_id))


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was done after the database had been restored."""

    incarnation: UUID
    in_progress: int
    withdrawn: int


def renew_after_restore(*, at: datetime) -> Restored:
    """Name the ledger anew, give what is in progress its whole time again, and take back orders that nobody asked for.

    Opens its own transaction; twice is as good as once.
    """
    with transaction.atomic():
        deadline_at = clock.now() + timedelta(seconds=settings.AXION_DEPLOY_DEADLINE)
        return Restored(
            incarnation=gateway.renew_ledger(),
            in_progress=deployments.prolong_active(deadline_at=deadline_at, at=at),
            withdrawn=gateway.finish_unasked_reverts(),
        )
