"""For which engine a lane's stacks were made: Compose on one server, or the Swarm that a cluster is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agents.services import directory
from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories import deployments, lanes
from deployments.services.permissions import target_agents
from deployments.types import DeploymentRecord


def engine_before(deployment: DeploymentRecord) -> str:
    """Return the engine of what was started last in the lane; where nothing was, that of the target."""
    last = lanes.last_started(project_id=deployment.project_id, target_id=deployment.target.id)
    wanted = target_agents.engine_of(deployment.target)
    return str(deployments.get(deployment_id=last.id).config.get("engine", wanted)) if last is not None else wanted


def refuse_other_engine(*, deployment: DeploymentRecord, config: Mapping[str, Any]) -> None:
    """Raise Invalid for a version that was made for single servers and is asked for in a cluster."""
    wanted, made = target_agents.engine_of(deployment.target), config.get("engine", target_agents.COMPOSE)
    if made != wanted:
        raise Invalid(
            sentence(
                "That version was made for {made}, and this target runs {wanted}. Deploy the project again.",
                made=made,
                wanted=wanted,
            )
        )


def refuse_unknown_moves(*, deployment: DeploymentRecord, agent_id: UUID) -> None:
    """Raise Invalid where the agent would start a service where it was, without a word, instead of moving it."""
    if deployment.moved and not directory.knows_moves(agent_id=agent_id):
        raise Invalid(
            sentence("The manager's agent is too old to move a service to another node. Bring it up to date.")
        )
