"""Clusters as Swarms: what engines told of theirs, which agents speak for managers, and who does not belong to one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.errors import ServerNotFound
from agents.reports.swarm_seen import SwarmTold
from agents.repositories import agents, servers, swarms
from agents.states import Presence
from agents.swarm import ManagerAgent, NodeFacts, SwarmFacts, SwarmRole
from agents.types import AgentData, ClusterData, ServerData
from agents.wording.sentences import sentence


def record_swarm(*, told: SwarmTold) -> UUID | None:
    """Store which Swarm the agent's engine is in, in one transaction that holds the agent's row.

    Returns the agent's server; None, and nothing is stored, when another session speaks for the agent by now.
    """
    with transaction.atomic():
        speaking = agents.lock_session(agent_id=told.agent_id, session_id=told.session_id)
        if speaking is None:
            return None
        swarms.store(agent_id=told.agent_id, facts=told.facts, nodes=told.nodes)
        return speaking.server_id


def manager_agents(*, cluster_id: UUID) -> tuple[ManagerAgent, ...]:
    """Return the active agents on the cluster's servers whose engine told to be a manager of exactly its swarm.

    Connected ones first, of these those that told of a quorum, then by the server's name: the same order every time.
    None for a cluster without a swarm. Raises ServerNotFound.
    """
    cluster = servers.cluster(cluster_id=cluster_id)
    if cluster is None:
        raise ServerNotFound(sentence("No such cluster."))
    if cluster.swarm_id is None:
        return ()
    members = servers.of_cluster(cluster_id=cluster_id)
    by_server = agents.of_servers(server_ids=[each.id for each in members])
    found = [
        _manager(server, agent, agent.swarm)
        for server in members
        if (agent := by_server.get(server.id)) is not None
        and agent.swarm is not None
        and agent.swarm.role is SwarmRole.MANAGER
        and agent.swarm.swarm_id == cluster.swarm_id
    ]
    return tuple(
        sorted(
            found, key=lambda each: (not each.connected, not each.control_available, each.server_name, each.agent_id)
        )
    )


def speaker_of(*, cluster_id: UUID) -> ManagerAgent | None:
    """Return the agent whose word on the cluster's tasks counts: one at a time; None where nobody can be heard.

    Raises ServerNotFound.
    """
    first = next(iter(manager_agents(cluster_id=cluster_id)), None)
    return first if first is not None and first.connected and first.control_available else None


def cluster_of_swarm(*, swarm_id: str) -> ClusterData | None:
    """Return the cluster that is this swarm."""
    return servers.cluster_of_swarm(swarm_id=swarm_id) if swarm_id else None


def names(*, cluster_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of these clusters that there are."""
    return servers.cluster_names(cluster_ids=cluster_ids)


def _manager(server: ServerData, agent: AgentData, facts: SwarmFacts) -> ManagerAgent:
    return ManagerAgent(
        agent_id=agent.id,
        server_id=server.id,
        server_name=server.name,
        node_id=facts.node_id,
        connected=agent.presence is Presence.ONLINE,
        control_available=facts.control_available,
        leader=facts.leader,
        protocol=agent.protocol,
    )


def nodes_of(*, cluster_id: UUID) -> tuple[tuple[NodeFacts, ...], datetime | None]:
    """Return the cluster's nodes as a manager's agent told them last, and when that was; None where none ever did.

    The word of a connected manager with a quorum goes before that of others, however old it is: it tells each change.
    """
    cluster = servers.cluster(cluster_id=cluster_id)
    if cluster is None or cluster.swarm_id is None:
        return (), None
    managers = manager_agents(cluster_id=cluster_id)
    certain = [each.agent_id for each in managers if each.connected and each.control_available]
    return swarms.newest_nodes(swarm_id=cluster.swarm_id, agent_ids=certain or [each.agent_id for each in managers])


def why_no_manager(*, cluster_id: UUID) -> str:
    """Return why no manager of the cluster can be asked for anything now, for people; empty when one can."""
    cluster = servers.cluster(cluster_id=cluster_id)
    if cluster is None:
        return "No such cluster."
    if cluster.swarm_id is None:
        return f"{cluster.name} is no Swarm yet. Form it from its servers, or adopt the one that they are in."
    managers = manager_agents(cluster_id=cluster_id)
    connected = [each for each in managers if each.connected]
    if not managers:
        return f"No server of {cluster.name} has an agent on a manager of its Swarm."
    if not connected:
        names = ", ".join(each.server_name for each in managers)
        return f"No agent on a manager of {cluster.name} is connected: {names}."
    if not any(each.control_available for each in connected):
        return f"{cluster.name} has no quorum: too few of its managers reach each other to change anything."
    return ""


def why_not_in_swarm(*, server_id: UUID, cluster_id: UUID) -> str:
    """Return why this server is no node of the cluster's swarm, for people and with its name; empty when it is one.

    A worker does not know its swarm's id: it counts by its node's id among those that the managers told.
    """
    server, cluster = servers.get(server_id=server_id), servers.cluster(cluster_id=cluster_id)
    if server is None or cluster is None:
        return "No such server or cluster."
    if cluster.swarm_id is None:
        return f"{cluster.name} is no Swarm yet."
    agent = agents.of_server(server_id=server_id)
    if agent is None:
        return f"{server.name} has no agent, so it is not known in which Swarm its engine is."
    facts = agent.swarm
    if facts is None:
        return f"The agent of {server.name} has not told in which Swarm its engine is."
    if facts.role is SwarmRole.NONE:
        return f"The engine of {server.name} is in no Swarm."
    nodes, _ = nodes_of(cluster_id=cluster_id)
    known = facts.node_id in {each.id for each in nodes}
    if facts.swarm_id == cluster.swarm_id or (known and not facts.swarm_id):
        return ""
    return f"The engine of {server.name} is in another Swarm than {cluster.name}."


def manager_addresses(*, cluster_id: UUID) -> tuple[str, ...]:
    """Return where the managers of the cluster are reached by those who join, with their ports, each once."""
    managers = {each.agent_id for each in manager_agents(cluster_id=cluster_id)}
    members = servers.of_cluster(cluster_id=cluster_id)
    told = [
        agent.swarm
        for agent in agents.of_servers(server_ids=[each.id for each in members]).values()
        if agent.id in managers and agent.swarm is not None
    ]
    return tuple(sorted({address for facts in told for address in facts.manager_addresses if address}))


def count_of_nodes(*, cluster_id: UUID) -> int:
    """Return how many nodes the cluster has as far as its managers told: more than they list in a very large one."""
    managers = {each.agent_id for each in manager_agents(cluster_id=cluster_id)}
    members = servers.of_cluster(cluster_id=cluster_id)
    told = agents.of_servers(server_ids=[each.id for each in members]).values()
    return max((each.swarm.nodes_count for each in told if each.id in managers and each.swarm), default=0)


def bind(*, cluster_id: UUID, swarm_id: str) -> bool:
    """Bind the cluster to a swarm; False when it is another one by then, or the swarm is another cluster's."""
    return swarms.bind(cluster_id=cluster_id, swarm_id=swarm_id)


def unbind(*, cluster_id: UUID) -> None:
    """Note that the cluster's swarm is no more."""
    swarms.unbind(cluster_id=cluster_id)


def set_cluster(*, server_id: UUID, cluster_id: UUID | None) -> None:
    """Note in which cluster the server is from now on; nothing where it is gone."""
    servers.change(server_id=server_id, changes={"cluster_id": cluster_id})


def take_in_nodes(*, cluster_id: UUID, owner_id: UUID) -> None:
    """Take every server of the owner that is in no cluster, and is a node of this one's swarm, into the cluster."""
    for server in servers.of_owner(owner_id=owner_id):
        if server.cluster_id is None and not why_not_in_swarm(server_id=server.id, cluster_id=cluster_id):
            set_cluster(server_id=server.id, cluster_id=cluster_id)
