"""Whether something may run on a target at all, and by whom. Asked when it is asked for and again when it starts."""

from __future__ import annotations

from uuid import UUID

from agents import gateway
from agents.contracts.version import CLUSTERS_PROTOCOL, RENEWING_PROTOCOL
from agents.errors import AgentNotFound, ServerNotFound
from agents.reports.too_old import too_old_sentence
from agents.services import clusters, directory
from agents.states import Presence
from agents.swarm import ManagerAgent
from agents.wording.sentences import sentence
from deployments.clients.infrastructure import infrastructure
from deployments.errors import Invalid, Transient
from deployments.types import DeploymentRecord, Target, TargetKind
from stackgen.results import Engine

SWARM: Engine = "swarm"
COMPOSE: Engine = "compose"


def refuse_unready(target: Target) -> None:
    """Raise Invalid for a target to which nothing can be deployed, see `why_unready`."""
    if why := why_unready(target):
        if target.kind is TargetKind.CLUSTER:
            raise Invalid(why, details={"clusterId": sentence("not ready")})
        raise Invalid(why, details={"serverId": sentence("its agent is too old")})


def why_unready(target: Target) -> str:
    """Return why nothing can be deployed there however long one waits, for people; empty otherwise.

    Of a cluster: it is no Swarm, or none of its managers has an agent. Of a server: its agent is too old.
    """
    if target.kind is not TargetKind.CLUSTER:
        return _why_too_old(target.id)
    try:
        found = clusters.manager_agents(cluster_id=target.id)
    except ServerNotFound as error:
        return error.message
    return "" if found else clusters.why_no_manager(cluster_id=target.id)


def _why_too_old(server_id: UUID) -> str:
    agent = directory.agents_of_servers(server_ids=[server_id]).get(server_id)
    if agent is None or not agent.too_old:
        return ""
    name = directory.server_names(server_ids=[server_id]).get(server_id, str(server_id))
    return too_old_sentence(server=name, version=agent.info.version)


def engine_of(target: Target) -> Engine:
    """Return the engine that the target's stacks are generated for."""
    return SWARM if target.kind is TargetKind.CLUSTER else COMPOSE


def waiting_message(deployment: DeploymentRecord) -> str:
    """Say whom the deployment waits for when its target's agent is enrolled and not there; empty otherwise."""
    if deployment.target.kind is TargetKind.CLUSTER:
        return _waiting_for_manager(deployment)
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


def _waiting_for_manager(deployment: DeploymentRecord) -> str:
    if why_unready(deployment.target):
        return ""
    why = clusters.why_no_manager(cluster_id=deployment.target.id)
    return f"Waiting for a manager of the cluster. {why}" if why else ""


def agent_to_start(deployment: DeploymentRecord) -> UUID:
    """Return the agent that is to carry out the deployment. Raises Transient while there is none, or Invalid."""
    refuse_unready(deployment.target)
    if deployment.target.kind is TargetKind.CLUSTER:
        return manager_of(deployment.target).agent_id
    return infrastructure().agent_of(target=deployment.target)


def manager_of(target: Target, *, but: UUID | None = None) -> ManagerAgent:
    """Return the agent that a cluster's command goes to: of any manager that can be asked now.

    `but`: not this one. Raises Transient while there is none, Invalid where all of them are too old.
    """
    able = [each for each in reachable_managers(target) if each.agent_id != but]
    fit = [each for each in able if each.protocol >= CLUSTERS_PROTOCOL]
    if fit:
        return fit[0]
    if able:
        names = ", ".join(each.server_name for each in able)
        raise Invalid(
            sentence(
                "The agents of {names} are too old to deploy to a Swarm. Bring them up to date, then try again.",
                names=names,
            )
        )
    why = clusters.why_no_manager(cluster_id=target.id)
    raise Transient(why or "No other manager of the cluster can be asked now.")


def reachable_managers(target: Target) -> tuple[ManagerAgent, ...]:
    """Return the agents of the cluster's managers that are connected and can change its Swarm."""
    found = clusters.manager_agents(cluster_id=target.id)
    return tuple(each for each in found if each.connected and each.control_available)


def starts_anew(target: Target) -> bool:
    """Return whether the target's agent can start a service anew whose definition is the same."""
    if target.kind is TargetKind.CLUSTER:
        return bool(reachable_managers(target))
    agent = directory.agents_of_servers(server_ids=[target.id]).get(target.id)
    return agent is not None and agent.protocol >= RENEWING_PROTOCOL


def agent_to_stop(deployment: DeploymentRecord, *, engine: str) -> UUID:
    """Return the agent that is to carry out a stop of what was deployed for this engine.

    An earlier version ran what was deployed to a cluster on one server of it, by Compose.
    """
    if deployment.target.kind is TargetKind.SERVER or engine == SWARM:
        return agent_to_start(deployment)
    agent_ids = gateway.agents_running(lane=deployment.lane)
    if not agent_ids:
        raise Invalid(sentence("No server of the cluster that has an agent was told to run this project."))
    return agent_ids[0]
