"""Who and where: servers, clusters and the agents that speak for them. Reads, and adding a server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents.command_types import CommandLine
from agents.errors import AgentNotFound, AgentStillEnrolled, ServerNotFound
from agents.hello import SpeakingAgent
from agents.repositories import agents, recent_commands, servers, tokens
from agents.states import ServerFilter
from agents.types import AgentData, ClusterData, ServerData
from agents.wording.sentences import sentence

MAX_PAGE_SIZE = 100

# From this version of the command on agents know its jobs.
DEPLOY_WITH_JOBS = 4
DEPLOY_WITH_BUILDS = 5
DEPLOY_WITH_MOVES = 10


def add_server(
    *,
    server_id: UUID,
    owner_id: UUID,
    name: str,
    host: str = "",
    port: int = 22,
    username: str = "",
    cluster_id: UUID | None = None,
) -> ServerData:
    """Store a server; its agent enrols later. The caller has checked that the cluster is the owner's."""
    return servers.add(
        server_id=server_id,
        owner_id=owner_id,
        name=name,
        host=host,
        port=port,
        username=username,
        cluster_id=cluster_id,
    )


def has_room(*, owner_id: UUID) -> bool:
    """Tell whether the user may have one more server."""
    return servers.count(owner_id=owner_id) < settings.AXION_MAX_SERVERS


def add_cluster(*, cluster_id: UUID, owner_id: UUID, name: str) -> ClusterData:
    """Store a cluster; servers join it one by one."""
    return servers.add_cluster(cluster_id=cluster_id, owner_id=owner_id, name=name)


def change_server(*, server_id: UUID, changes: Mapping[str, Any]) -> ServerData:
    """Change name, host, cluster_id, privileged_allowed, labels or drained_at.

    Raises ServerNotFound, or IntegrityError when the owner has this name.
    """
    servers.change(server_id=server_id, changes=changes)
    return get_server(server_id=server_id)


def remove_server(*, server_id: UUID) -> None:
    """Remove the server and its enrolment tokens. The caller has checked that nothing is under way there.

    Raises AgentStillEnrolled, also for an agent that enrolled just now.
    """
    with transaction.atomic():
        servers.lock(server_id=server_id)
        if agents.of_server(server_id=server_id) is not None:
            raise AgentStillEnrolled
        tokens.end_all(server_id=server_id)
        servers.remove(server_id=server_id)


def remove_cluster(*, cluster_id: UUID) -> None:
    """Remove the cluster; its servers stay. The caller has checked that nothing is under way there."""
    servers.remove_cluster(cluster_id=cluster_id)


def change_owner(*, owner_id: UUID, heir_id: UUID) -> None:
    """Give all servers, clusters, agents and enrolment tokens of one person to another. Inside a transaction.

    Raises IntegrityError when the other has a server or cluster of the same name.
    """
    servers.change_owner(owner_id=owner_id, heir_id=heir_id)


def store_peer_server(*, server_id: UUID, owner_id: UUID, name: str, host: str) -> bool:
    """Store a server of a peer service as last seen there, so that an agent can enrol on it.

    False when the id is another owner's here.
    """
    return servers.store_peer_server(server_id=server_id, owner_id=owner_id, name=name, host=host)


def get_server(*, server_id: UUID) -> ServerData:
    """Return the server. Raises ServerNotFound. Whether the caller may see it is the caller's to check: `owner_id`."""
    found = servers.get(server_id=server_id)
    if found is None:
        raise ServerNotFound
    return found


def owner_of_target(*, target_id: UUID) -> UUID | None:
    """Return the owner of the server or cluster; None for one that is not known."""
    found = servers.owner_of(server_id=target_id)
    if found is not None:
        return found
    cluster = servers.cluster(cluster_id=target_id)
    return cluster.owner_id if cluster is not None else None


def servers_by_id(*, server_ids: Collection[UUID]) -> dict[UUID, ServerData]:
    """Return these servers, in two statements; those that are gone are left out."""
    return {server.id: server for server in servers.by_ids(server_ids=server_ids)} if server_ids else {}


def allows_privileged(*, server_id: UUID) -> bool:
    """Tell whether the server's owner lets services reach the host itself."""
    return servers.allows_privileged(server_id=server_id)


def server_names(*, server_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return what people call these servers, by id; those that are gone are left out."""
    return servers.names(server_ids=server_ids)


def hold_server(*, server_id: UUID) -> bool:
    """Keep the server from being removed until the caller's transaction ends; False when it is gone."""
    return servers.hold(server_id=server_id)


def hold_target(*, target_id: UUID) -> bool:
    """Keep the server or cluster from being removed until the caller's transaction ends; False when it is gone."""
    return servers.hold(server_id=target_id) or servers.hold_cluster(cluster_id=target_id)


def lock_server(*, server_id: UUID) -> None:
    """Keep everybody from starting anything new with the server until the caller's transaction ends."""
    servers.lock(server_id=server_id)


def lock_cluster(*, cluster_id: UUID) -> None:
    """Keep everybody from starting anything new with the cluster until the caller's transaction ends."""
    servers.lock_cluster(cluster_id=cluster_id)


def get_cluster(*, cluster_id: UUID) -> ClusterData:
    """Return the cluster. Raises ServerNotFound. Whether the caller may see it is the caller's to check: `owner_id`."""
    found = servers.cluster(cluster_id=cluster_id)
    if found is None:
        raise ServerNotFound(sentence("No such cluster."))
    return found


def servers_of(*, owner_id: UUID, matching: ServerFilter | None = None) -> tuple[ServerData, ...]:
    """Return the owner's servers, by name, those that match alone; in two statements for any number of them."""
    return servers.of_owner(owner_id=owner_id, matching=matching)


def servers_of_cluster(*, cluster_id: UUID) -> tuple[ServerData, ...]:
    """Return the servers of a cluster, by name."""
    return servers.of_cluster(cluster_id=cluster_id)


def clusters_of(*, owner_id: UUID) -> tuple[ClusterData, ...]:
    return servers.clusters_of_owner(owner_id=owner_id)


def agent_for_server(*, server_id: UUID) -> AgentData:
    """Return the active agent of a server, present or not: look at `presence`. Raises AgentNotFound."""
    found = agents.of_server(server_id=server_id)
    if found is None:
        raise AgentNotFound
    return found


def knows_jobs(*, agent_id: UUID) -> bool:
    """Return whether the agent, as it said when it connected, runs jobs before it replaces anything."""
    return agents.command_version(agent_id=agent_id, kind="deploy") >= DEPLOY_WITH_JOBS


def knows_builds(*, agent_id: UUID) -> bool:
    """Return whether the agent, as it said when it connected, follows what a graph says of building its code."""
    return agents.command_version(agent_id=agent_id, kind="deploy") >= DEPLOY_WITH_BUILDS


def knows_moves(*, agent_id: UUID) -> bool:
    """Return whether the agent, as it said when it connected, moves services to other nodes of a Swarm."""
    return agents.command_version(agent_id=agent_id, kind="deploy") >= DEPLOY_WITH_MOVES


def choose_builder(*, cluster_id: UUID, server_id: UUID | None) -> None:
    """Note which server builds for the cluster; None where a manager does."""
    servers.choose_builder(cluster_id=cluster_id, server_id=server_id)


def knows(*, agent_id: UUID, kind: str) -> bool:
    """Return whether the agent, as it said when it connected, understands this kind of command."""
    return agents.command_version(agent_id=agent_id, kind=kind) > 0


def get_agent(*, agent_id: UUID) -> AgentData:
    """Return the active agent with this id. Raises AgentNotFound."""
    found = agents.get(agent_id=agent_id)
    if found is None:
        raise AgentNotFound
    return found


def agents_of_servers(*, server_ids: Collection[UUID]) -> dict[UUID, AgentData]:
    """Return the active agents of these servers, by server."""
    return agents.of_servers(server_ids=server_ids)


def lock_session(*, agent_id: UUID, session_id: UUID) -> SpeakingAgent | None:
    """Return the agent if this session speaks for it, else None. Locks its row: inside a transaction."""
    return agents.lock_session(agent_id=agent_id, session_id=session_id)


def on_same_engine(*, server_id: UUID) -> tuple[str, tuple[UUID, ...]]:
    """Return what names the server's Docker engine, and the other servers that are this same machine.

    Empty for a server without an agent and for an agent that has not told.
    """
    return agents.of_same_engine(server_id=server_id)


def targets_of(*, agent_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return by active agent the targets (server, and its cluster if any) that reach its host."""
    return agents.targets_of(agent_ids=agent_ids)


def own_agent(*, agent_id: UUID, owner_id: UUID) -> AgentData:
    """Return the agent if it is this user's. Raises AgentNotFound, the same for missing and for somebody else's."""
    found = get_agent(agent_id=agent_id)
    if found.owner_id != owner_id:
        raise AgentNotFound
    return found


def agents_of(*, owner_id: UUID, page: int, limit: int) -> tuple[tuple[AgentData, ...], int]:
    """Return a page of the user's agents, newest first, and how many there are; `limit` is clamped to 1..100."""
    size = min(max(limit, 1), MAX_PAGE_SIZE)
    return agents.of_owner(owner_id=owner_id, offset=(max(page, 1) - 1) * size, limit=size)


def commands_of_server(*, server_id: UUID, limit: int) -> tuple[CommandLine, ...]:
    """Return what the server's agents were told to do last, the newest first."""
    return recent_commands.of_server(server_id=server_id, limit=limit)
