"""Which server builds images for a cluster: one that its owner chose, or else whichever manager does the work."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from agents.errors import AgentNotFound
from agents.services import directory
from agents.types import ServerData
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Invalid, NotFound
from deployments.services.audit.record import record
from deployments.services.fleet import machine_changes, machine_list
from deployments.services.lifecycle.builds.building import KIND
from deployments.types import Caller


def builder_of_cluster(*, caller: Caller, cluster_id: UUID) -> ServerData | None:
    """Return the server that builds for the cluster; None where a manager does. Raises NotFound."""
    builder_id = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id).builder_id
    return None if builder_id is None else directory.get_server(server_id=builder_id)


def servers_to_build(*, caller: Caller, cluster_id: UUID) -> tuple[ServerData, ...]:
    """Return the servers that could be chosen: the owner's, in this cluster or in none, with an agent."""
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    return tuple(
        each
        for each in directory.servers_of(owner_id=cluster.owner_id)
        if each.agent_id is not None and each.cluster_id in (None, cluster_id)
    )


def choose_builder(*, caller: Caller, cluster_id: UUID, server_id: UUID | None) -> ServerData | None:
    """Have a server build the cluster's images from the next deployment on; None: a manager's agent does.

    It need not be a node, but its agent must know how. Raises NotFound, or Invalid which names the server.
    """
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    server = None
    if server_id is not None:
        server = machine_list.get_server(caller=caller, server_id=server_id)
        if server.owner_id != cluster.owner_id:
            raise NotFound(sentence("No such server."), details={"serverId": sentence("not found")})
        _refuse_unfit(server, cluster_id=cluster_id)
    with transaction.atomic():
        directory.choose_builder(cluster_id=cluster_id, server_id=server_id)
        detail = f"builder of {cluster.name}: {server.name if server else 'a manager'}"
        record(by=caller, action=AuditAction.MACHINE_CHANGED, detail=detail, server_id=cluster_id)
    return server


def _refuse_unfit(server: ServerData, *, cluster_id: UUID) -> None:
    why = ""
    try:
        agent = directory.agent_for_server(server_id=server.id)
        if not directory.knows(agent_id=agent.id, kind=KIND):
            why = sentence("The agent of {server} is too old to build for a cluster. Update it.", server=server.name)
    except AgentNotFound:
        why = sentence("{server} has no agent, so it cannot build.", server=server.name)
    if server.cluster_id not in (None, cluster_id):
        why = sentence("{server} belongs to another cluster, so it cannot build for this one.", server=server.name)
    if why:
        raise Invalid(why, details={"serverId": sentence("cannot build")})
