"""What was decided while the agent could not be heard, held against what it tells when it is heard again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from agents import gateway
from agents.types import CommandFinished
from agents.types import Outcome as AgentOutcome
from deployments.repositories import history
from deployments.services import observations, proof, settle
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord

# Nobody asked for these ends: only the agent's silence did.
UNHEARD = frozenset({Reason.AGENT_LOST, Reason.EXPIRED})
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
    newer = gateway.ordered_after(command_id=settle.deploy_command_id(deployment.id))
    if history.any_of(deployment_ids=newer):
        return False
    seen = observations.seen_services(deployment=deployment, observed=said.services, at=at)
    if proof.doubt(deployment=deployment, services=seen, said=said) is not None:
        return False
    if not (reverted or _stays(deployment)):
        return False
    services = observations.observe_services(deployment=deployment, observed=said.services, at=at)
    settle.succeed_late(deployment=replace(deployment, services=services), message=PROVEN_LATE, at=at)
    logger.info("deployment proven late", deployment_id=str(deployment.id), reason=deployment.reason)
    return True


def _stays(deployment: DeploymentRecord) -> bool:
    """Whether no order takes it back any more: one that no agent has received is withdrawn."""
    gateway.withdraw(deployment_id=deployment.id)
    return gateway.keeps_proven(command_id=settle.revert_command_id(deployment.id))
