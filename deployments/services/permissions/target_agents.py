"""Whether something may run on a target at all. Asked when a deployment is asked for and again when it starts."""

from __future__ import annotations

from uuid import UUID

from agents import gateway
from agents.contracts.version import RENEWING_PROTOCOL
from agents.errors import AgentNotFound, ServerNotFound
from agents.services import directory
from agents.states import Presence
from deployments.clients.infrastructure import infrastructure
from deployments.errors import Invalid
from deployments.types import DeploymentRecord, Target, TargetKind

NO_CLUSTERS = "Deploying to a cluster is not possible yet; choose one of its servers."


def refuse_clusters(target: Target) -> None:
    """Raise Invalid for a cluster."""
    # Nothing spreads a stack over servers, so it would run on whichever was asked.
    if target.kind is TargetKind.CLUSTER:
        raise Invalid(NO_CLUSTERS, details={"clusterId": "not possible yet"})


def waiting_message(deployment: DeploymentRecord) -> str:
    """Say whom the deployment waits for when its server's agent is enrolled and not there; empty otherwise."""
    if deployment.target.kind is not TargetKind.SERVER:
        return ""
    try:
        agent = directory.agent_for_server(server_id=deployment.target.id)
        if agent.presence is Presence.ONLINE:
            return ""
        server = directory.get_server(server_id=deployment.target.id).name
    except (AgentNotFound, ServerNotFound):
        return ""
    if agent.last_seen_at is None:
        return f"Waiting for the agent of {server}, which has not connected yet."
    return f"Waiting for the agent of {server}, last seen {agent.last_seen_at:%Y-%m-%d %H:%M:%S} UTC."


def agent_to_start(deployment: DeploymentRecord) -> UUID:
    """Return the agent that is to carry out the deployment. Raises Transient while there is none, or Invalid."""
    refuse_clusters(deployment.target)
    return infrastructure().agent_of(target=deployment.target)


def starts_anew(target: Target) -> bool:
    """Return whether the server's agent can start a service anew whose definition is the same."""
    agent = directory.agents_of_servers(server_ids=[target.id]).get(target.id)
    return agent is not None and agent.protocol >= RENEWING_PROTOCOL


def agent_to_stop(deployment: DeploymentRecord) -> UUID:
    """Return the agent that is to carry out a stop, also of what an earlier version ran on one server of a cluster."""
    if deployment.target.kind is TargetKind.SERVER:
        return agent_to_start(deployment)
    agent_ids = gateway.agents_running(lane=deployment.lane)
    if not agent_ids:
        raise Invalid("No server of the cluster that has an agent was told to run this project.")
    return agent_ids[0]
