"""Servers and clusters of our own tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Q

from agents.models import Agent, Cluster, EnrolmentToken, Server
from agents.repositories import agents
from agents.states import Presence, ServerFilter
from agents.types import AgentData, ClusterData, ServerData

# Of a name that has to be told from another one.
MAX_SHARED_NAME = 90


def add(
    *, server_id: UUID, owner_id: UUID, name: str, host: str, port: int, username: str, cluster_id: UUID | None
) -> ServerData:
    record = Server.objects.create(
        id=server_id, owner_id=owner_id, name=name, host=host, port=port, username=username, cluster_id=cluster_id
    )
    return _as_data(record, None)


def add_cluster(*, cluster_id: UUID, owner_id: UUID, name: str) -> ClusterData:
    Cluster.objects.create(id=cluster_id, owner_id=owner_id, name=name)
    return ClusterData(id=cluster_id, owner_id=owner_id, name=name, servers_count=0)


def choose_builder(*, cluster_id: UUID, server_id: UUID | None) -> None:
    Cluster.objects.filter(id=cluster_id).update(builder_id=server_id)


def change(*, server_id: UUID, changes: Mapping[str, Any]) -> None:
    """Store the changes. Raises IntegrityError when owner and name are taken."""
    Server.objects.filter(id=server_id).update(**changes)


def remove(*, server_id: UUID) -> None:
    Server.objects.filter(id=server_id).delete()


def remove_cluster(*, cluster_id: UUID) -> None:
    """Remove the cluster; its servers stay, as servers of their own."""
    Cluster.objects.filter(id=cluster_id).delete()


def change_owner(*, owner_id: UUID, heir_id: UUID) -> None:
    """Give all that this person owns to another. Raises IntegrityError when a name is taken."""
    for model in (Cluster, Server, Agent, EnrolmentToken):
        model.objects.filter(owner=owner_id).update(owner=heir_id)


def store_peer_server(*, server_id: UUID, owner_id: UUID, name: str, host: str) -> bool:
    """Store or bring up to date; False when the id is another owner's.

    A name that another of the owner's has gets a piece of the id.
    """
    for label in (name, f"{name[:MAX_SHARED_NAME]} {server_id.hex[:6]}"):
        with suppress(IntegrityError), transaction.atomic():
            defaults = {"name": label, "host": host}
            Server.objects.update_or_create(id=server_id, owner_id=owner_id, defaults=defaults)
            return True
    return False


def get(*, server_id: UUID) -> ServerData | None:
    record = Server.objects.filter(id=server_id).first()
    return None if record is None else _as_data(record, agents.of_server(server_id=record.id))


def names(*, server_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of these servers, by id."""
    return dict(Server.objects.filter(id__in=server_ids).values_list("id", "name"))


def owner_of(*, server_id: UUID) -> UUID | None:
    return Server.objects.filter(id=server_id).values_list("owner_id", flat=True).first()


def allows_privileged(*, server_id: UUID) -> bool:
    """Tell whether the server's owner allows privileged services; False for a server that is not known."""
    return Server.objects.filter(id=server_id, privileged_allowed=True).exists()


def hold(*, server_id: UUID) -> bool:
    """Keep the server from being removed until the caller's transaction ends; False when it is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM servers WHERE id = %s FOR KEY SHARE", [server_id])
        return cursor.fetchone() is not None


def hold_cluster(*, cluster_id: UUID) -> bool:
    """Keep the cluster from being removed until the caller's transaction ends; False when it is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM clusters WHERE id = %s FOR KEY SHARE", [cluster_id])
        return cursor.fetchone() is not None


def lock(*, server_id: UUID) -> None:
    """Wait for whoever holds the server, and keep others from holding it until the caller's transaction ends."""
    Server.objects.select_for_update().only("pk").filter(id=server_id).first()


def lock_cluster(*, cluster_id: UUID) -> None:
    """Wait for whoever holds the cluster, and keep others from holding it until the caller's transaction ends."""
    Cluster.objects.select_for_update().only("pk").filter(id=cluster_id).first()


def of_owner(*, owner_id: UUID, matching: ServerFilter | None = None) -> tuple[ServerData, ...]:
    """Return the owner's servers, by name; those that match alone."""
    rows = Server.objects.filter(owner_id=owner_id).order_by("name", "id")
    wanted = matching or ServerFilter()
    if wanted.label:
        rows = rows.filter(labels__contains=[wanted.label])
    if wanted.text:
        rows = rows.filter(Q(name__icontains=wanted.text) | Q(host__icontains=wanted.text))
    if wanted.drained is not None:
        rows = rows.filter(drained_at__isnull=not wanted.drained)
    # Presence and version are the agent's, which is read in any case.
    found = _with_agents(rows)
    return tuple(
        server
        for server in found
        if wanted.version in ("", server.agent_version) and wanted.presence in (None, server.presence)
    )


def by_ids(*, server_ids: Collection[UUID]) -> tuple[ServerData, ...]:
    return _with_agents(Server.objects.filter(id__in=server_ids).order_by("name", "id"))


def count(*, owner_id: UUID | None) -> int:
    return Server.objects.filter(owner_id=owner_id).count()


def cluster(*, cluster_id: UUID) -> ClusterData | None:
    record = _clusters().filter(id=cluster_id).first()
    return None if record is None else _cluster_data(record)


def cluster_of_swarm(*, swarm_id: str) -> ClusterData | None:
    record = _clusters().filter(swarm_id=swarm_id).first()
    return _cluster_data(record) if record else None


def cluster_names(*, cluster_ids: Collection[UUID]) -> dict[UUID, str]:
    return dict(Cluster.objects.filter(id__in=cluster_ids).values_list("id", "name"))


def clusters_of_owner(*, owner_id: UUID) -> tuple[ClusterData, ...]:
    return tuple(_cluster_data(record) for record in _clusters().filter(owner_id=owner_id).order_by("name", "id"))


def of_cluster(*, cluster_id: UUID) -> tuple[ServerData, ...]:
    """Return the servers of a cluster, by name."""
    return _with_agents(Server.objects.filter(cluster_id=cluster_id).order_by("name", "id"))


def _with_agents(records: Any) -> tuple[ServerData, ...]:
    """Return the servers with their agents, in two statements for any number of them."""
    servers = list(records)
    by_server = agents.of_servers(server_ids=[server.id for server in servers])
    return tuple(_as_data(server, by_server.get(server.id)) for server in servers)


def _as_data(record: Server, agent: AgentData | None) -> ServerData:
    return ServerData(
        id=record.id,
        owner_id=record.owner_id,
        name=record.name,
        host=record.host,
        port=record.port,
        username=record.username,
        cluster_id=record.cluster_id,
        privileged_allowed=record.privileged_allowed,
        presence=Presence.PENDING if agent is None else agent.presence,
        agent_id=None if agent is None else agent.id,
        agent_version="" if agent is None else agent.info.version,
        labels=tuple(record.labels),
        drained_at=record.drained_at,
    )


def _clusters() -> Any:
    return Cluster.objects.annotate(servers_count=Count("servers"))


def _cluster_data(record: Any) -> ClusterData:
    return ClusterData(
        id=record.id,
        owner_id=record.owner_id,
        name=record.name,
        servers_count=record.servers_count,
        swarm_id=record.swarm_id,
        builder_id=record.builder_id,
    )
