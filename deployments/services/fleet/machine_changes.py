"""Change and remove servers, clusters and agents. For their owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from agents.errors import AgentNotFound
from agents.services import clusters, directory, enrolment
from agents.types import AgentData, ClusterData, ServerData
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.list_types import Page, PageRequest
from deployments.errors import Conflict, NotFound
from deployments.names import usable_name
from deployments.repositories import lanes, removed_machines, variables
from deployments.repositories.clusters import cluster_changes
from deployments.repositories.ends import observed_volumes
from deployments.repositories.installations import installation_rows, server_access_rows
from deployments.repositories.observation import (
    incident_rows,
    job_run_rows,
    observed_stacks,
    stack_drifts,
    stack_states,
)
from deployments.repositories.registries import registry_rows
from deployments.services.audit.record import names_in, record
from deployments.services.fleet import machine_list, server_words
from deployments.types import Caller

DELETED = "The server {name} was deleted from Axion Deploy. Uninstall this agent, or enrol it for another server."


def change_server(*, caller: Caller, server_id: UUID, changes: Mapping[str, Any]) -> ServerData:
    """Change `name`, `host`, `cluster_id`, `privileged_allowed`, `labels` or `drained`; what is not named stays.

    Raises NotFound, also for a cluster that is not the owner's, Invalid, or Conflict when the name is taken.
    """
    server = machine_list.get_server(caller=caller, server_id=server_id)
    values = dict(changes)
    if "name" in values:
        values["name"] = usable_name(values["name"], what="server")
    if "host" in values:
        values["host"] = server_words.usable_host(values["host"])
    if "labels" in values:
        values["labels"] = server_words.usable_labels(values["labels"])
    if "drained" in values:
        values["drained_at"] = (server.drained_at or timezone.now()) if values.pop("drained") else None
    if values.get("cluster_id") is not None:
        cluster = get_cluster(caller=caller, cluster_id=values["cluster_id"])
        if cluster.owner_id != server.owner_id:
            raise NotFound(sentence("No such cluster."), details={"clusterId": sentence("not found")})
    if "cluster_id" in values and values["cluster_id"] != server.cluster_id:
        check_move(server=server, cluster_id=values["cluster_id"])
    try:
        with transaction.atomic():
            detail = names_in(f"{key}: {value}" for key, value in values.items())
            record(by=caller, action=AuditAction.MACHINE_CHANGED, detail=detail, server_id=server_id)
            return directory.change_server(server_id=server_id, changes=values)
    except IntegrityError as error:
        raise Conflict(
            sentence("You have a server of this name already."), details={"name": sentence("taken")}
        ) from error


def check_move(*, server: ServerData, cluster_id: UUID | None) -> None:
    """Raise Conflict where the server's engine is a node of the former cluster's Swarm, or none of the new one's."""
    details = {"clusterId": "its engine says otherwise"}
    if server.cluster_id is not None and not clusters.why_not_in_swarm(
        server_id=server.id, cluster_id=server.cluster_id
    ):
        raise Conflict(
            sentence("The engine of {server} is a node of its cluster: have it leave first.", server=server.name),
            details=details,
        )
    if cluster_id is None or directory.get_cluster(cluster_id=cluster_id).swarm_id is None:
        return
    if why := clusters.why_not_in_swarm(server_id=server.id, cluster_id=cluster_id):
        raise Conflict(why, details=details)


def remove_server(*, caller: Caller, server_id: UUID) -> None:
    """Remove a server. Raises NotFound, or Conflict while it has an agent or a deployment there is not finished."""
    server = machine_list.get_server(caller=caller, server_id=server_id)
    with transaction.atomic():
        # Whoever is just asking for a deployment there goes first, or finds no server.
        directory.lock_server(server_id=server_id)
        if why := why_server_stays(server_id=server_id):
            raise Conflict(why)
        take_away_server(server=server, by=caller)


def take_away_server(*, server: ServerData, by: Caller) -> None:
    """End what its agent is known by, remove the server with all that is observed of it, and keep its name.

    Inside a transaction that holds the server's lock, when nothing is under way there. An agent that still connects
    with its old credential is refused by the server's name.
    """
    try:
        agent = directory.agent_for_server(server_id=server.id)
        enrolment.revoke(agent_id=agent.id, why=DELETED.format(name=server.name))
    except AgentNotFound:
        pass
    _forget_stacks(machine_id=server.id)
    observed_volumes.forget_server(server_id=server.id)
    server_access_rows.forget(server_id=server.id)
    job_run_rows.forget_server(server_id=server.id)
    variables.remove_of_target(target_id=server.id, by=by, at=timezone.now())
    removed_machines.keep_name(machine_id=server.id, name=server.name)
    directory.remove_server(server_id=server.id)
    record(by=by, action=AuditAction.MACHINE_DELETED, detail=f"server {server.name}", server_id=server.id)


def _forget_stacks(*, machine_id: UUID) -> None:
    """Forget what is known of the stacks of a server or cluster. Inside the transaction that removes it."""
    observed_stacks.forget_server(server_id=machine_id)
    stack_states.forget_server(server_id=machine_id)
    stack_drifts.forget_server(server_id=machine_id)
    incident_rows.forget_server(server_id=machine_id)


def why_server_stays(*, server_id: UUID) -> str:
    """Return why the server cannot be removed now without a word on its agent, for people; empty when it can."""
    try:
        directory.agent_for_server(server_id=server_id)
    except AgentNotFound:
        return what_is_underway(server_id=server_id)
    return "The server has an agent. Revoke its credential first, or delete the server with its agent."


def what_is_underway(*, server_id: UUID) -> str:
    """Return what has to end on the server before anything of it can go, for people; empty for nothing."""
    if installation_rows.is_open(server_id=server_id):
        return "Its agent is being installed or removed. Wait for the end, or cancel that."
    return "A deployment to this server is not finished." if lanes.is_busy(target_id=server_id) else ""


def get_cluster(*, caller: Caller, cluster_id: UUID) -> ClusterData:
    """Return the cluster. Raises NotFound, also for somebody else's."""
    return machine_list.require_owned(
        caller=caller, what="cluster", find=lambda: directory.get_cluster(cluster_id=cluster_id)
    )


def remove_cluster(*, caller: Caller, cluster_id: UUID) -> None:
    """Remove a cluster; its servers stay. Raises NotFound, or Conflict while a deployment to it is not finished."""
    cluster = get_cluster(caller=caller, cluster_id=cluster_id)
    with transaction.atomic():
        directory.lock_cluster(cluster_id=cluster_id)
        if why := why_cluster_stays(cluster_id=cluster_id):
            raise Conflict(why)
        take_away_cluster(cluster=cluster, by=caller)


def take_away_cluster(*, cluster: ClusterData, by: Caller) -> None:
    """Remove the cluster and keep its name. Inside a transaction that holds its lock, when nothing is under way."""
    variables.remove_of_target(target_id=cluster.id, by=by, at=timezone.now())
    removed_machines.keep_name(machine_id=cluster.id, name=cluster.name)
    registry_rows.choose_for_cluster(cluster_id=cluster.id, registry_id=None)
    _forget_stacks(machine_id=cluster.id)
    directory.remove_cluster(cluster_id=cluster.id)
    record(by=by, action=AuditAction.MACHINE_DELETED, detail=f"cluster {cluster.name}", server_id=cluster.id)


def why_cluster_stays(*, cluster_id: UUID) -> str:
    """Return why the cluster cannot be removed now, for people; empty when it can."""
    if cluster_changes.open_changes(cluster_id=cluster_id):
        return "The cluster is being changed. Wait for the end."
    return "A deployment to this cluster is not finished." if lanes.is_busy(target_id=cluster_id) else ""


def list_agents(*, caller: Caller, page: int = 1, limit: int = 20) -> Page[AgentData]:
    """Return the caller's own active agents, newest first."""
    wanted = PageRequest(page=page, limit=limit)
    agents, total = directory.agents_of(owner_id=caller.user_id, page=wanted.page, limit=wanted.limit)
    return Page(items=agents, page=wanted.page, limit=wanted.limit, total=total)


def get_agent(*, caller: Caller, agent_id: UUID) -> AgentData:
    """Return the agent. Raises NotFound, also for a revoked one and for somebody else's."""
    return machine_list.require_owned(caller=caller, what="agent", find=lambda: directory.get_agent(agent_id=agent_id))


def revoke_agent(*, caller: Caller, agent_id: UUID) -> None:
    """End the agent's credential; its session is dropped within seconds. Raises NotFound."""
    agent = get_agent(caller=caller, agent_id=agent_id)
    try:
        with transaction.atomic():
            enrolment.revoke(agent_id=agent_id)
            detail = str(agent_id)[:8]
            record(by=caller, action=AuditAction.AGENT_REVOKED, detail=detail, server_id=agent.server_id)
    except AgentNotFound:
        raise NotFound(sentence("No such agent.")) from None
