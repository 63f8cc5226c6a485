"""What an agent may have of a deployment: values and code, while it works on it or runs it, and not for ever."""

from __future__ import annotations

from uuid import UUID

from agents import gateway
from deployments.errors import NotFound
from deployments.repositories import deployments, history, projects
from deployments.services.lifecycle import requester_rights
from deployments.types import DeploymentRecord


def require_values_needed(*, agent_id: UUID, deployment_id: UUID) -> None:
    """Raises NotFound unless the agent needs the deployment's values now, and the project may still run there.

    The caller has checked that the agent's server was given a command of it.
    """
    deployment = deployments.get(deployment_id=deployment_id)
    if not _is_needed(agent_id=agent_id, deployment=deployment) or not _is_allowed(deployment):
        raise NotFound("No such deployment.")


def buildable_deployments(*, deployment_ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
    """Of the deployments that an agent works on those whose project may still run there."""
    found = (deployments.get(deployment_id=each) for each in deployment_ids)
    return tuple(deployment.id for deployment in found if _is_allowed(deployment))


def _is_needed(*, agent_id: UUID, deployment: DeploymentRecord) -> bool:
    """Unfinished there, or what runs there: to go back, an agent at work also needs what it was told before that."""
    unfinished, former = gateway.lane_deployments(agent_id=agent_id, lane=deployment.lane)
    if deployment.id in unfinished or (unfinished and deployment.id == former):
        return True
    running = history.running(project_id=deployment.project_id, target_id=deployment.target.id)
    return running is not None and running.deployment_id == deployment.id


def _is_allowed(deployment: DeploymentRecord) -> bool:
    project = projects.get(project_id=deployment.project_id)
    return requester_rights.may_run_on(deployment=deployment, project=project)
