"""Have all nodes of a cluster leave its Swarm, workers first, until it ends with the last manager."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from agents.services import clusters, directory
from deployments.data.cluster_types import ChangeKind, ChangeState, NodeLine
from deployments.repositories.clusters import cluster_changes
from deployments.services.clusters import cluster_requests, cluster_view
from deployments.services.ends.steps import Stuck
from deployments.types import Caller


def end_swarm(*, caller: Caller, cluster_id: UUID, attempt: str, at: datetime) -> str:
    """Ask the next node to leave; return what is waited for, empty when there is no Swarm any more.

    May be called again at any time: an attempt asks each node once. Raises Stuck, or what the change raises.
    """
    if open_now := cluster_changes.open_changes(cluster_id=cluster_id):
        who = open_now[0].node_name or open_now[0].server_name
        return f"Waiting for the {open_now[0].kind} of {who}." if who else "Waiting for a change of the cluster."
    if directory.get_cluster(cluster_id=cluster_id).swarm_id is None:
        return ""
    nodes, _ = clusters.nodes_of(cluster_id=cluster_id)
    lines = cluster_view.node_lines(nodes=nodes, members=directory.servers_of_cluster(cluster_id=cluster_id))
    if not lines:
        raise Stuck(clusters.why_no_manager(cluster_id=cluster_id) or "No manager has told of the cluster's nodes.")
    return _leave(min(lines, key=_order), caller=caller, cluster_id=cluster_id, attempt=attempt, at=at)


def _order(line: NodeLine) -> tuple[bool, bool, str]:
    """Workers first, the leader last."""
    return line.facts.is_manager, line.facts.leader, line.facts.hostname


def _leave(line: NodeLine, *, caller: Caller, cluster_id: UUID, attempt: str, at: datetime) -> str:
    node = line.facts
    change_id = uuid5(cluster_id, f"{node.id}:{attempt}")
    asked = cluster_changes.find(change_id=change_id)
    if asked is not None and asked.state in (ChangeState.REFUSED, ChangeState.UNKNOWN):
        raise Stuck(f"{node.hostname} did not leave: {asked.message}")
    if asked is None:
        cluster_requests.change_node(
            caller=caller,
            cluster_id=cluster_id,
            node_id=node.id,
            action=ChangeKind.LEAVE,
            confirmed=True,
            change_id=change_id,
            at=at,
        )
    # When it is done, a manager has yet to tell that the node is gone.
    return f"Waiting for {node.hostname} to leave the Swarm."
