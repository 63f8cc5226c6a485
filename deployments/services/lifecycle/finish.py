"""The ends of a deployment: the status, what belongs to it, and the next in line."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from agents import gateway
from deployments import queue
from deployments.events import stage_reached
from deployments.repositories import deployments, events, history, lanes
from deployments.repositories.deployments import Outcome
from deployments.services.lifecycle import rollback_target
from deployments.states import Stage, Status, Transition
from deployments.types import DeploymentRecord


def deploy_command_id(deployment_id: UUID) -> UUID:
    """One deployment has one deploy command, however often it is sent."""
    return uuid5(deployment_id, "deploy")


def revert_command_id(deployment_id: UUID) -> UUID:
    """One deployment has one revert command."""
    return uuid5(deployment_id, "revert")


def mark_succeeded(*, deployment: DeploymentRecord, at: datetime) -> None:
    """Proven success: status, last stage, history. Inside a transaction that holds the deployment's row.

    The history number needs no lock of its own: only the lane's one holder can succeed.
    """
    _prove(deployment=deployment, transition=Transition.SUCCEED, outcome=None, at=at)
    if deployment.rollback_of is not None:
        rollback_target.finish(rollback=deployment, at=at)
    _release(deployment)


def mark_proven_late(*, deployment: DeploymentRecord, message: str, at: datetime) -> None:
    """It was given up while nobody could hear the agent, which had proven it. Under the lane's lock, inside a
    transaction that holds the deployment's row.
    """
    outcome = Outcome(message=message)
    _prove(deployment=deployment, transition=Transition.PROVE_LATE, outcome=outcome, at=at)
    if deployment.rollback_of is not None and rollback_target.begin(rollback=deployment, at=at):
        rollback_target.finish(rollback=deployment, at=at)


def _prove(*, deployment: DeploymentRecord, transition: Transition, outcome: Outcome | None, at: datetime) -> None:
    deployments.move_stage(deployment_id=deployment.id, stage=Stage.COMPLETED, percent=100, at=at)
    completed = stage_reached(stage=Stage.COMPLETED, percent=100, message="Every service runs and is healthy.")
    events.append(deployment_id=deployment.id, events=[completed], at=at)
    deployments.advance(deployment_id=deployment.id, transition=transition, outcome=outcome, at=at)
    sealed_variables, env_vars = deployments.sealed_values(deployment_id=deployment.id)
    history.record(
        deployment_id=deployment.id,
        project_id=deployment.project_id,
        target_id=deployment.target.id,
        snapshot=_snapshot(deployment),
        sealed_variables=sealed_variables,
        env_vars=env_vars,
        at=at,
    )


def mark_failed(*, deployment_id: UUID, outcome: Outcome, at: datetime, former_runs: bool = False) -> None:
    """End as failed from any unfinished status. Inside a transaction.

    `former_runs`: it is proven that what ran before runs still or again.
    """
    deployment = deployments.get_locked(deployment_id=deployment_id)
    deployments.advance(deployment_id=deployment_id, transition=Transition.FAIL, outcome=outcome, at=at)
    if deployment.rollback_of is not None:
        rollback_target.give_up(rollback=deployment, outcome=outcome, former_runs=former_runs, at=at)
    _release(deployment)


def begin_restore(*, deployment: DeploymentRecord, outcome: Outcome, at: datetime) -> None:
    """The agent puts the previous stack back. Inside a transaction that holds the deployment's row."""
    deployments.advance(deployment_id=deployment.id, transition=Transition.BEGIN_ROLLBACK, outcome=outcome, at=at)


def finish_restore(*, deployment: DeploymentRecord, outcome: Outcome, at: datetime) -> None:
    """The previous stack is back. Inside a transaction that holds the deployment's row."""
    if deployment.status is Status.IN_PROGRESS:
        begin_restore(deployment=deployment, outcome=outcome, at=at)
    deployments.advance(deployment_id=deployment.id, transition=Transition.FINISH_ROLLBACK, outcome=outcome, at=at)
    if deployment.rollback_of is not None:
        rollback_target.give_up(rollback=deployment, outcome=outcome, former_runs=True, at=at)
    _release(deployment)


def _release(deployment: DeploymentRecord) -> None:
    """Close the deploy command and wake the next deployment of the lane when the caller commits."""
    if deployment.started_at is not None:
        gateway.finish(command_id=deploy_command_id(deployment.id))
    for waiting_id in lanes.waiting(project_id=deployment.project_id, target_id=deployment.target.id)[:1]:
        queue.enqueue_run(deployment_id=waiting_id, attempt=deployment.last_sequence)


def _snapshot(deployment: DeploymentRecord) -> dict[str, object]:
    return {
        "graphVersion": deployment.graph_version,
        "graph": deployment.graph,
        "code": dict(deployment.code),
        "replicas": dict(deployment.replicas),
        "config": dict(deployment.config),
        "images": {state.name: state.image_digest for state in deployment.services},
        "envNames": list(deployment.env_names),
    }
