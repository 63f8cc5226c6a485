"""Servers and clusters of our own tables."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count

from agents.models import Cluster, Server
from agents.repositories import agents
from agents.states import Presence
from agents.types import AgentData, ClusterData, ServerData

# Of a name that has to be told from another one.
LONGEST_OF_TWO = 90


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


def change(*, server_id: UUID, changes: Mapping[str, Any]) -> None:
    """Raises IntegrityError when owner and name are taken."""
    Server.objects.filter(id=server_id).update(**changes)


def remove(*, server_id: UUID) -> None:
    Server.objects.filter(id=server_id).delete()


def remove_cluster(*, cluster_id: UUID) -> None:
    """Its servers stay, as servers of their own."""
    Cluster.objects.filter(id=cluster_id).delete()


def keep(*, server_id: UUID, owner_id: UUID, cluster_id: UUID | None, **values: str) -> bool:
    """Store or bring up to date; False when the id is another owner's. Without a cluster, that stays as it is."""
    joined = {} if cluster_id is None else {"cluster_id": cluster_id}
    return _keep(Server.objects, thing_id=server_id, owner_id=owner_id, values={**values, **joined})


def keep_cluster(*, cluster_id: UUID, owner_id: UUID, name: str) -> bool:
    """Store or bring up to date; False when the id is another owner's."""
    return _keep(Cluster.objects, thing_id=cluster_id, owner_id=owner_id, values={"name": name})


def keep_members(*, cluster_id: UUID, server_ids: Collection[UUID]) -> None:
    """Servers that are no longer in the cluster leave it."""
    Server.objects.filter(cluster_id=cluster_id).exclude(id__in=server_ids).update(cluster_id=None)


def _keep(rows: Any, *, thing_id: UUID, owner_id: UUID, values: Mapping[str, Any]) -> bool:
    """A name that another of the owner's has gets a piece of the id."""
    name = values["name"]
    for label in (name, f"{name[:LONGEST_OF_TWO]} {thing_id.hex[:6]}"):
        with suppress(IntegrityError), transaction.atomic():
            rows.update_or_create(id=thing_id, owner_id=owner_id, defaults={**values, "name": label})
            return True
    return False


def get(*, server_id: UUID) -> ServerData | None:
    record = Server.objects.filter(id=server_id).first()
    return None if record is None else _as_data(record, agents.of_server(server_id=record.id))


def of_owner(*, owner_id: UUID) -> tuple[ServerData, ...]:
    return _with_agents(Server.objects.filter(owner_id=owner_id).order_by("name", "id"))


def of_cluster(*, cluster_id: UUID) -> tuple[ServerData, ...]:
    return _with_agents(Server.objects.filter(cluster_id=cluster_id).order_by("name", "id"))


def cluster(*, cluster_id: UUID) -> ClusterData | None:
    record = _clusters().filter(id=cluster_id).first()
    return None if record is None else _cluster_data(record)


def clusters_of_owner(*, owner_id: UUID) -> tuple[ClusterData, ...]:
    return tuple(_cluster_data(record) for record in _clusters().filter(owner_id=owner_id).order_by("name", "id"))


def _with_agents(records: Any) -> tuple[ServerData, ...]:
    """Two statements, however many servers."""
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
        presence=Presence.PENDING if agent is None else agent.presence,
        agent_id=None if agent is None else agent.id,
    )


def _clusters() -> Any:
    return Cluster.objects.annotate(servers_count=Count("servers"))


def _cluster_data(record: Any) -> ClusterData:
    return ClusterData(id=record.id, owner_id=record.owner_id, name=record.name, servers_count=record.servers_count)
