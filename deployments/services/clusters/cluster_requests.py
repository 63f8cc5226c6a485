"""What people ask for of a cluster: form it, adopt a Swarm, let servers join, change a node, make new tokens.

For its owner. Each wish is stored and begun in one transaction; a repeat under its id is no second one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from agents.contracts.version import CLUSTERS_PROTOCOL
from agents.services import clusters, directory
from agents.states import Presence
from agents.swarm import SwarmRole
from agents.types import ClusterData, ServerData
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.cluster_types import NODE_ACTIONS, STEPS, ChangeKind, ChangeRecord, Member, NewChange, Step
from deployments.errors import Conflict, Invalid, NotFound
from deployments.repositories.clusters import cluster_changes
from deployments.rules import swarm_rules
from deployments.services.audit.record import record
from deployments.services.clusters import progress
from deployments.services.clusters.cluster_view import find_node
from deployments.services.fleet import machine_changes, machine_list
from deployments.types import Caller

MAX_MEMBERS = 50
MAX_OPEN = 60


def form_cluster(
    *, caller: Caller, cluster_id: UUID, members: Sequence[Member], change_id: UUID, at: datetime
) -> tuple[ChangeRecord, ...]:
    """Make the cluster a Swarm: the first server makes it, the others join one after the other.

    Raises NotFound, Invalid, or Conflict with the name of a server that cannot be part of it.
    """
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    if cluster_changes.find(change_id=change_id) is None and cluster.swarm_id is not None:
        raise Conflict(
            sentence("{cluster} is a Swarm already; let servers join it.", cluster=cluster.name),
            details={"clusterId": sentence("formed")},
        )
    if not members:
        raise Invalid(sentence("Name at least one server."), details={"servers": sentence("at least one")})
    if len(members) > MAX_MEMBERS:
        raise Invalid(
            sentence("Name at most {max_members} servers.", max_members=MAX_MEMBERS),
            details={"servers": sentence("at most {max_members}", max_members=MAX_MEMBERS)},
        )
    if len({each.server_id for each in members}) < len(members):
        raise Invalid(sentence("A server is named twice."), details={"servers": sentence("each once")})
    if not members[0].manager:
        raise Invalid(
            sentence("The first server makes the Swarm, so it is a manager."),
            details={"servers": sentence("a manager first")},
        )
    servers = [_joinable(caller, cluster, each) for each in members]
    wishes = [_new(ChangeKind.FORM, members[0], servers[0], change_id=change_id)]
    for member, server in zip(members[1:], servers[1:], strict=True):
        wishes.append(_new(ChangeKind.JOIN, member, server, change_id=uuid5(change_id, str(server.id))))
    return _ask(caller, cluster, wishes, at=at)


def join_cluster(
    *, caller: Caller, cluster_id: UUID, member: Member, change_id: UUID, at: datetime
) -> tuple[ChangeRecord, ...]:
    """Let one more server join the cluster's Swarm. Raises NotFound, Invalid or Conflict."""
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    if cluster.swarm_id is None:
        raise Conflict(
            sentence("{cluster} is not a Swarm yet. Form it first.", cluster=cluster.name),
            details={"clusterId": sentence("not formed")},
        )
    server = _joinable(caller, cluster, member)
    return _ask(caller, cluster, [_new(ChangeKind.JOIN, member, server, change_id=change_id)], at=at)


def adopt_swarm(*, caller: Caller, cluster_id: UUID, server_id: UUID, change_id: UUID, at: datetime) -> ClusterData:
    """Make the Swarm that a server's engine manages the cluster's, with all servers of the owner that are its nodes.

    Raises NotFound, or Conflict: the server manages none, another cluster has it, or a server that is in the cluster
    is in another Swarm or in none, which is named.
    """
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    server = _owned(caller, cluster, server_id)
    agent = directory.agents_of_servers(server_ids=[server_id]).get(server_id)
    facts = agent.swarm if agent else None
    if facts is None or facts.role is not SwarmRole.MANAGER or not facts.swarm_id:
        raise Conflict(
            sentence("The engine of {server} does not say that it manages a Swarm.", server=server.name),
            details={"serverId": sentence("no manager")},
        )
    if cluster.swarm_id == facts.swarm_id:
        return cluster
    if cluster.swarm_id is not None:
        raise Conflict(
            sentence("{cluster} is another Swarm already.", cluster=cluster.name),
            details={"clusterId": sentence("formed")},
        )
    with transaction.atomic():
        cluster_changes.lock(cluster_id=cluster_id)
        if cluster_changes.open_changes(cluster_id=cluster_id):
            raise Conflict(
                sentence("{cluster} is being changed. Wait for the end.", cluster=cluster.name),
                details={"clusterId": sentence("busy")},
            )
        if not clusters.bind(cluster_id=cluster_id, swarm_id=facts.swarm_id):
            raise Conflict(
                sentence("This Swarm is another cluster's."), details={"serverId": sentence("of another cluster")}
            )
        clusters.set_cluster(server_id=server_id, cluster_id=cluster_id)
        _refuse_outsiders(cluster)
        clusters.take_in_nodes(cluster_id=cluster_id, owner_id=cluster.owner_id)
        wish = NewChange(
            id=change_id, kind=ChangeKind.ADOPT, steps=(Step.CONFIRM,), server_id=server_id, server_name=server.name
        )
        stored = cluster_changes.add(cluster_id=cluster_id, change=wish, caller=caller, wait=progress.WAIT)
        _note(caller, cluster_id, wish)
        cluster_changes.end_adopted(change_id=stored.id, at=at)
    return directory.get_cluster(cluster_id=cluster_id)


def _refuse_outsiders(cluster: ClusterData) -> None:
    for each in directory.servers_of_cluster(cluster_id=cluster.id):
        if why := clusters.why_not_in_swarm(server_id=each.id, cluster_id=cluster.id):
            raise Conflict(
                sentence("{why} Take it out of the cluster first.", why=why), details={"serverId": str(each.id)}
            )


def consequences_of(*, caller: Caller, cluster_id: UUID, node_id: str, action: ChangeKind) -> tuple[str, ...]:
    """Return what follows from changing the node so. Raises NotFound, or Conflict where it cannot be done."""
    machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    node, nodes = find_node(cluster_id=cluster_id, node_id=node_id)
    if why := swarm_rules.why_not(action, node=node, nodes=nodes):
        raise Conflict(why, details={"action": str(action)})
    return swarm_rules.consequences(action, node=node, nodes=nodes)


def change_node(
    *,
    caller: Caller,
    cluster_id: UUID,
    node_id: str,
    action: ChangeKind,
    confirmed: bool,
    change_id: UUID,
    at: datetime,
) -> tuple[ChangeRecord, ...]:
    """Drain, activate, promote, demote or remove a node, or have it leave.

    Raises NotFound, Invalid, or Conflict: with what follows from it for as long as that is not `confirmed`.
    """
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    if (stored := cluster_changes.find(change_id=change_id)) is not None:
        return (stored,)
    if action not in NODE_ACTIONS:
        raise Invalid(sentence("There is no such action."), details={"action": ", ".join(NODE_ACTIONS)})
    follows = consequences_of(caller=caller, cluster_id=cluster_id, node_id=node_id, action=action)
    if follows and not confirmed:
        raise Conflict(
            sentence("This has to be confirmed. {follows}", follows=" ".join(follows)),
            details={"confirmed": sentence("needed")},
        )
    node, nodes = find_node(cluster_id=cluster_id, node_id=node_id)
    steps = STEPS[action]
    if swarm_rules.ends_the_swarm(action, node=node.facts, nodes=nodes):
        steps = (Step.END,)
    elif action is ChangeKind.LEAVE and node.facts.is_manager:
        steps = (Step.DEMOTE, *steps)
    wish = NewChange(
        id=change_id,
        kind=action,
        steps=steps,
        server_id=node.server_id,
        server_name=node.server_name,
        node_id=node_id,
        node_name=node.facts.hostname,
    )
    return _ask(caller, cluster, [wish], at=at)


def rotate_tokens(*, caller: Caller, cluster_id: UUID, change_id: UUID, at: datetime) -> tuple[ChangeRecord, ...]:
    """Replace both join tokens of the cluster's Swarm; nodes that are in it stay. Raises NotFound or Conflict."""
    cluster = machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    if cluster.swarm_id is None:
        raise Conflict(
            sentence("{cluster} is not a Swarm yet. Form it first.", cluster=cluster.name),
            details={"clusterId": sentence("not formed")},
        )
    wish = NewChange(id=change_id, kind=ChangeKind.ROTATE, steps=STEPS[ChangeKind.ROTATE])
    return _ask(caller, cluster, [wish], at=at)


def _ask(
    caller: Caller, cluster: ClusterData, wishes: Sequence[NewChange], *, at: datetime
) -> tuple[ChangeRecord, ...]:
    with transaction.atomic():
        cluster_changes.lock(cluster_id=cluster.id)
        new = [wish for wish in wishes if cluster_changes.find(change_id=wish.id) is None]
        ahead = cluster_changes.open_changes(cluster_id=cluster.id)
        if new and len(ahead) + len(new) > MAX_OPEN:
            raise Conflict(
                sentence("Too many changes of this cluster wait already."), details={"clusterId": sentence("busy")}
            )
        if any(wish.kind is ChangeKind.FORM for wish in new) and ahead:
            raise Conflict(
                sentence("{cluster} is being changed. Wait for the end.", cluster=cluster.name),
                details={"clusterId": sentence("busy")},
            )
        for wish in wishes:
            cluster_changes.add(cluster_id=cluster.id, change=wish, caller=caller, wait=progress.WAIT)
        for wish in new:
            _note(caller, cluster.id, wish)
        progress.forget_old(cluster_id=cluster.id)
        progress.go_on(cluster_id=cluster.id, at=at)
        found = (cluster_changes.find(change_id=wish.id) for wish in wishes)
        return tuple(each for each in found if each is not None)


def _note(caller: Caller, cluster_id: UUID, wish: NewChange) -> None:
    """Write down that it was asked for; what became of it stands with the change."""
    who = wish.node_name or wish.server_name
    detail = f"asked to {wish.kind}{f': {who}' if who else ''}"
    record(by=caller, action=AuditAction.MACHINE_CHANGED, detail=detail, server_id=cluster_id)


def _owned(caller: Caller, cluster: ClusterData, server_id: UUID) -> ServerData:
    server = machine_list.get_server(caller=caller, server_id=server_id)
    if server.owner_id != cluster.owner_id:
        raise NotFound(sentence("No such server."), details={"serverId": sentence("not found")})
    if server.cluster_id not in (None, cluster.id):
        raise Conflict(
            sentence("{server} is in another cluster.", server=server.name),
            details={"serverId": sentence("in another cluster")},
        )
    return server


def _joinable(caller: Caller, cluster: ClusterData, member: Member) -> ServerData:
    """Return the server of a member. Raises Conflict by its name where it cannot join anything now."""
    server = _owned(caller, cluster, member.server_id)
    _check_address(member.address)
    details = {"serverId": str(server.id)}
    agent = directory.agents_of_servers(server_ids=[server.id]).get(server.id)
    if agent is None or agent.presence is not Presence.ONLINE:
        raise Conflict(sentence("The agent of {server} is not connected.", server=server.name), details=details)
    if agent.protocol < CLUSTERS_PROTOCOL:
        raise Conflict(
            sentence("The agent of {server} is too old for clusters. Bring it up to date.", server=server.name),
            details=details,
        )
    if agent.swarm is None:
        raise Conflict(
            sentence("The agent of {server} has not reported which Swarm its engine is in.", server=server.name),
            details=details,
        )
    if agent.swarm.role is not SwarmRole.NONE:
        why = clusters.why_not_in_swarm(server_id=server.id, cluster_id=cluster.id)
        here = f"{server.name} is a node of {cluster.name} already."
        other = f"The engine of {server.name} is in a Swarm already: adopt that one, or have the engine leave it."
        raise Conflict(here if cluster.swarm_id and not why else why if cluster.swarm_id else other, details=details)
    return server


def _check_address(address: str) -> None:
    """Docker takes an address or the name of an interface."""
    if not address or (len(address) <= 15 and address.isalnum() and not address.isdigit()):
        return
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise Invalid(
            sentence("The address is none: name an IP address, or an interface of the server."),
            details={"address": sentence("not valid")},
        ) from None


def _new(kind: ChangeKind, member: Member, server: ServerData, *, change_id: UUID) -> NewChange:
    return NewChange(
        id=change_id,
        kind=kind,
        steps=STEPS[kind],
        server_id=server.id,
        server_name=server.name,
        role="manager" if member.manager else "worker",
        address=member.address,
    )
