"""What the last report of a command means for its deployment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from agents import gateway
from agents.states import CommandOutcome as AgentOutcome
from agents.types import CommandFinished
from deployments.repositories import deployments
from deployments.repositories.deployments import Outcome
from deployments.services.lifecycle import after_restore, finish, observations, proof
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord

# What the agent says no to before it touches anything: the order itself, and images that are not there. One that was
# started again in the middle may find an image gone after it had touched containers, and says that.
UNTOUCHED = frozenset({"refused", "image"})


def finish_command(*, deployment: DeploymentRecord, command_id: UUID, said: CommandFinished, at: datetime) -> None:
    """Close the command and settle the deployment if this decides it. Inside a transaction that holds its row.

    What was decided before (lost, expired, cancelled) stays decided, but for a success that was proven while nobody
    could hear the agent; a late answer to the order to go back is noted.
    """
    gateway.finish(command_id=command_id)
    reverted = command_id == finish.revert_command_id(deployment.id)
    if not deployment.holds_lane:
        if after_restore.prove_late(deployment=deployment, said=said, reverted=reverted, at=at):
            return
        if reverted and deployment.status is Status.FAILED:
            message = f"{deployment.message} The agent has answered since. {_what_runs(said)}"
            deployments.confirm_revert(deployment_id=deployment.id, message=message, at=at)
        return
    deployment = observations.observe_services(deployment=deployment, observed=said.services, at=at)
    if reverted:
        _finish_cancel(deployment=deployment, said=said, at=at)
    elif deployment.cancel_requested_at is None:
        _finish_deploy(deployment=deployment, said=said, at=at)
    # With a cancel asked for, only the revert command decides: it proves that the former stack is back.


def _finish_deploy(*, deployment: DeploymentRecord, said: CommandFinished, at: datetime) -> None:
    doubt = proof.doubt(deployment=deployment, said=said)
    if said.outcome is AgentOutcome.SUCCEEDED and doubt is None:
        finish.mark_succeeded(deployment=deployment, at=at)
        return
    explained = said.message if said.outcome is not AgentOutcome.SUCCEEDED else f"Success was not proven: {doubt}"
    outcome = Outcome(
        reason=observations.reason_of(said.reason) if said.outcome is not AgentOutcome.SUCCEEDED else Reason.UNHEALTHY,
        message=f"{explained} {_what_stays(said)}".strip(),
        failed_service=said.failed_service,
        log_tail=said.log_tail,
    )
    if said.outcome is AgentOutcome.RESTORED and said.previous_stack_running:
        finish.finish_restore(deployment=deployment, outcome=outcome, at=at)
    else:
        finish.mark_failed(deployment_id=deployment.id, outcome=outcome, at=at, former_runs=former_runs(said))


def former_runs(said: CommandFinished) -> bool:
    """Whether what ran before runs still or again: the agent has proven it, or it touched nothing at all."""
    return said.previous_stack_running or (said.reason in UNTOUCHED and not said.touched)


def _finish_cancel(*, deployment: DeploymentRecord, said: CommandFinished, at: datetime) -> None:
    message = f"Cancelled by {deployment.cancel_requested_by}. {_what_runs(said)}"
    deployments.confirm_revert(deployment_id=deployment.id, message=message, at=at)
    outcome = Outcome(reason=Reason.CANCELLED, message=message)
    finish.mark_failed(deployment_id=deployment.id, outcome=outcome, at=at, former_runs=said.previous_stack_running)


def _what_runs(said: CommandFinished) -> str:
    if said.outcome is AgentOutcome.FAILED:
        return f"What ran before could not be put back: {said.message}"
    if said.previous_stack_running:
        return f"The work stopped and what ran before is back. {_what_stays(said)}".strip()
    if said.volumes_left:
        return f"The work stopped. {_what_stays(said)}"
    return "The work stopped and nothing of it is left."


def _what_stays(said: CommandFinished) -> str:
    """A volume that came with what was taken back is for a person to delete; empty when there is none."""
    if not said.volumes_left:
        return ""
    names = ", ".join(said.volumes_left)
    if len(said.volumes_left) == 1:
        return f"The volume {names} was left: it may hold data; delete it yourself if not."
    return f"The volumes {names} were left: they may hold data; delete them yourself if not."
