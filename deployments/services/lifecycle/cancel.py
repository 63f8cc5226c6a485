"""Ask a deployment to stop. It has stopped only when the agent has proven it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents import gateway
from agents.types import RevertCommand
from agents.wording.sentences import sentence
from deployments.errors import Conflict, Invalid, Transient
from deployments.event_types import cancel_requested
from deployments.repositories import clock, deployments, events, lanes
from deployments.repositories.deployments import Outcome
from deployments.services.lifecycle import command_ids, finish
from deployments.services.lifecycle.builds import building
from deployments.services.permissions import access, target_agents
from deployments.states import Reason, Status
from deployments.types import Caller, DeploymentRecord, Right


def cancel_deployment(*, caller: Caller, deployment_id: UUID, at: datetime) -> DeploymentRecord:
    """End a pending deployment at once; ask the agent to revert one in progress. Twice is one cancel.

    Opens its own transaction. Raises NotFound, Forbidden, or Conflict when there is nothing left to cancel.
    """
    access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.DEPLOY)
    with transaction.atomic():
        deployment = deployments.get_locked(deployment_id=deployment_id)
        if deployment.status is Status.PENDING:
            outcome = Outcome(reason=Reason.CANCELLED, message=f"Cancelled by {caller.name} before it started.")
            finish.mark_failed(deployment_id=deployment_id, outcome=outcome, at=at)
        elif deployment.status is Status.IN_PROGRESS:
            _ask(deployment=deployment, caller=caller, at=at)
        elif deployment.status is Status.ROLLING_BACK:
            raise Conflict(_already_going_back(deployment))
        elif deployment.reason is not Reason.CANCELLED:
            raise Conflict(
                sentence("The deployment is {status}; there is nothing to cancel.", status=deployment.status)
            )
    return deployments.get(deployment_id=deployment_id)


def cancel_running(*, caller: Caller, project_id: UUID, target_id: UUID, at: datetime) -> None:
    """Ask the agent to revert what works in the lane, if anything does; for who may stop it, whoever's project it is.

    Opens its own transaction.
    """
    held = lanes.holder(project_id=project_id, target_id=target_id)
    if held is None:
        return
    with transaction.atomic():
        deployment = deployments.get_locked(deployment_id=held)
        if deployment.status is Status.IN_PROGRESS:
            _ask(deployment=deployment, caller=caller, at=at)


def _already_going_back(deployment: DeploymentRecord) -> str:
    if deployment.rolled_back_by is not None:
        return f"The deployment is being rolled back; cancel the rollback {deployment.rolled_back_by} instead."
    return "The deployment is already restoring what ran before, as a cancellation would."


def _ask(*, deployment: DeploymentRecord, caller: Caller, at: datetime) -> None:
    deadline_at = clock.now() + timedelta(seconds=settings.AXION_CANCEL_DEADLINE)
    if not deployments.ask_cancel(deployment_id=deployment.id, by=caller.user_id, at=at, deadline_at=deadline_at):
        return
    asked = cancel_requested(by=caller.name, deadline_at=deadline_at)
    events.append(deployment_id=deployment.id, events=[asked], at=at)
    if not send_revert(deployment=deployment, asked_by=caller.name, cause="cancelled"):
        message = (
            f"Cancelled by {caller.name}. The server's agent is no longer enrolled, so its containers may still run;"
            " what ran before is put back when an agent is enrolled there again."
        )
        finish.mark_failed(
            deployment_id=deployment.id, outcome=Outcome(reason=Reason.CANCELLED, message=message), at=at
        )


def send_revert(*, deployment: DeploymentRecord, asked_by: str, cause: str, keep_proven: bool = False) -> bool:
    """Order the agent to stop and to put back what ran before, now or when it returns. Inside a transaction.

    With `keep_proven` it leaves a deployment alone that it had proven by then. False when no agent of the server is
    enrolled: the order waits in the ledger for one that the same owner enrols there.
    """
    build = building.underway(deployment)
    sent = build or gateway.find(command_id=command_ids.deploy_command_id(deployment.id))
    stack_name, engine = str(deployment.config["stackName"]), str(deployment.config.get("engine", "compose"))
    engine = engine if build is None else building.KIND
    return gateway.send_revert(
        command_id=command_ids.revert_command_id(deployment.id),
        after=sent,
        command=RevertCommand(
            stack_name=stack_name, asked_by=asked_by, cause=cause, keep_proven=keep_proven, engine=engine
        ),
        manager_id=_manager_for(deployment, at_work=sent.agent_id) if engine == target_agents.SWARM else None,
    )


def _manager_for(deployment: DeploymentRecord, *, at_work: UUID) -> UUID:
    """Return the agent that is to go back: the one at work if it is there, else another manager's, else the first."""
    try:
        manager = target_agents.manager_of(deployment.target)
        at_hand = {each.agent_id for each in target_agents.reachable_managers(deployment.target)}
    except (Invalid, Transient):
        return at_work
    return at_work if at_work in at_hand else manager.agent_id
