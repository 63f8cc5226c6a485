"""A cluster for people: its nodes as a manager told them, whose servers they are, and what can be lost yet."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from agents.services import clusters, directory
from agents.states import Presence
from agents.swarm import NodeFacts
from agents.types import AgentData, ServerData
from agents.wording.sentences import sentence
from deployments.data.cluster_types import ClusterView, NodeLine
from deployments.errors import NotFound
from deployments.repositories.clusters import cluster_changes
from deployments.repositories.ends import observed_volumes
from deployments.rules import swarm_rules
from deployments.services.fleet import machine_changes
from deployments.types import Caller


def view_cluster(*, caller: Caller, cluster_id: UUID) -> ClusterView:
    """Return the cluster with its nodes and changes. Raises NotFound, also for somebody else's.

    Of a worker without an agent of ours nothing is known but what managers say.
    """
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    nodes, told_at = clusters.nodes_of(cluster_id=cluster_id)
    members = directory.servers_of_cluster(cluster_id=cluster_id)
    lines = node_lines(nodes=nodes, members=members)
    trouble = clusters.why_no_manager(cluster_id=cluster_id)
    return ClusterView(
        id=cluster.id,
        owner_id=cluster.owner_id,
        name=cluster.name,
        swarm_id=cluster.swarm_id,
        builder_id=cluster.builder_id,
        nodes=lines,
        nodes_count=max(len(nodes), clusters.count_of_nodes(cluster_id=cluster_id)),
        managers=len(swarm_rules.managers_of(nodes)),
        may_fail=0 if trouble else swarm_rules.may_fail(nodes),
        trouble=trouble,
        told_at=told_at,
        outside=() if cluster.swarm_id is None else _outside(cluster_id, members),
        changes=cluster_changes.newest(cluster_id=cluster_id),
    )


def node_lines(*, nodes: tuple[NodeFacts, ...], members: tuple[ServerData, ...]) -> tuple[NodeLine, ...]:
    """Return the nodes with the servers that they are, managers first, then by name."""
    agents = directory.agents_of_servers(server_ids=[each.id for each in members])
    by_node = {
        agent.swarm.node_id: (server, agent)
        for server in members
        if (agent := agents.get(server.id)) is not None and agent.swarm is not None and agent.swarm.node_id
    }
    names = _volumes_by_server([server.id for server, _ in by_node.values()])
    lines = [_line(each, by_node.get(each.id), names) for each in nodes]
    return tuple(sorted(lines, key=lambda line: (not line.facts.is_manager, line.facts.hostname, line.facts.id)))


def _line(
    facts: NodeFacts, ours: tuple[ServerData, AgentData] | None, volumes: Mapping[UUID, tuple[str, ...]]
) -> NodeLine:
    if ours is None:
        return NodeLine(facts=facts, server_id=None, server_name="", connected=False, volumes=())
    server, agent = ours
    return NodeLine(
        facts=facts,
        server_id=server.id,
        server_name=server.name,
        connected=agent.presence is Presence.ONLINE,
        volumes=volumes.get(server.id, ()),
    )


def _volumes_by_server(server_ids: list[UUID]) -> dict[UUID, tuple[str, ...]]:
    rows = observed_volumes.on_servers(server_ids=server_ids)
    return {row.server_id: tuple(each.name for each in row.volumes) for row in rows}


def _outside(cluster_id: UUID, members: tuple[ServerData, ...]) -> tuple[str, ...]:
    reasons = (clusters.why_not_in_swarm(server_id=each.id, cluster_id=cluster_id) for each in members)
    return tuple(reason for reason in reasons if reason)


def find_node(*, cluster_id: UUID, node_id: str) -> tuple[NodeLine, tuple[NodeFacts, ...]]:
    """Return a node of the cluster, and all of them. Raises NotFound for one that no manager told of."""
    nodes, _ = clusters.nodes_of(cluster_id=cluster_id)
    lines = node_lines(nodes=nodes, members=directory.servers_of_cluster(cluster_id=cluster_id))
    found = next((line for line in lines if line.facts.id == node_id), None)
    if found is None:
        raise NotFound(sentence("No such node in this cluster."), details={"nodeId": sentence("not found")})
    return found, nodes
