"""Move a service's data to another node of a cluster: what that means is said before, and nothing moves by itself.

No data is copied. The service begins there with what the volumes of that name hold there, which is nothing unless they
were there before; what they hold on the former node is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import yaml

from agents.services import clusters, directory
from agents.states import Presence
from agents.swarm import NodeFacts
from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories.ends import observed_volumes
from deployments.services.history import snapshots
from deployments.services.observation import stacks
from deployments.types import Target, TargetKind
from stackgen.plan import Change
from stackgen.results import COMPOSE_FILE, Stack

FIELD = "moveTo"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A node of the cluster. `told`: a connected agent there tells of its `volumes`."""

    facts: NodeFacts
    server_name: str = ""
    told: bool = False
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Move:
    """`services` move together, since they share volumes: the one that was named, and others."""

    node: Place
    services: tuple[str, ...]
    volumes: tuple[str, ...]

    @property
    def stored(self) -> dict[str, Any]:
        """Return it as it is stored with its deployment."""
        facts = self.node.facts
        return {"nodeId": facts.id, "nodeName": facts.hostname or facts.id, "services": list(self.services)}


def resolve(*, target: Target, config: Mapping[str, Any], service_name: str, node: str) -> Move:
    """Return the move of a running service to the node of this name or id. Raises Invalid naming what is wrong."""
    if target.kind is not TargetKind.CLUSTER:
        raise _refused(sentence("A service moves between the nodes of a cluster; a server is one place."))
    line = _node_named(node, cluster_id=target.id)
    services = snapshots.services_with_volumes(config)
    named = next((service for service in services if service.name == service_name), None)
    if named is None or not named.volumes:
        raise _refused(
            sentence(
                "{service_name} has no volume, so no data binds it to a node: Swarm places it. Say where with the "
                "node key placement.",
                service_name=service_name,
            )
        )
    together = tuple(service for service in services if set(service.volumes) & set(named.volumes))
    volumes = sorted({volume for service in together for volume in service.volumes})
    return Move(node=line, services=tuple(service.name for service in together), volumes=tuple(volumes))


def nodes_to_choose(*, target: Target, config: Mapping[str, Any], service_name: str) -> tuple[NodeFacts, ...]:
    """Return the nodes of a cluster on which a service with data could run; none for all else."""
    services = snapshots.services_with_volumes(config)
    if target.kind is not TargetKind.CLUSTER or not any(s.name == service_name and s.volumes for s in services):
        return ()
    nodes, _ = clusters.nodes_of(cluster_id=target.id)
    able = (node for node in nodes if node.is_ready and node.availability == "active")
    return tuple(sorted(able, key=lambda node: node.hostname))


def explained(change: Change, move: Move | None) -> Change:
    """Return the change of a service that moves with that as its reason."""
    if move is None:
        return change
    return replace(change, reasons=(f"moves to {move.node.facts.hostname} without its data",))


def notes(move: Move | None, *, project_id: UUID, target: Target, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the move does to data, as sentences of its plan; nothing where nothing moves."""
    if move is None:
        return ()
    there = move.node.facts.hostname
    hosts = _hosts(project_id=project_id, target=target)
    former = ", ".join(sorted({host for name in move.services for host in hosts.get(name, ())} - {there}))
    names = ", ".join(move.volumes)
    told = [f"This moves {', '.join(move.services)} to the node {there}. No data is copied."]
    if found := sorted(set(move.volumes) & set(move.node.volumes)):
        told.append(f"{there} has {', '.join(found)} already: the service goes on with what was left in there.")
    elif move.node.told:
        told.append(f"{there} has no {names}: the service starts with an empty volume there.")
    else:
        told.append(
            f"No agent on {there} tells which volumes it has: the service starts with an empty volume there, or with "
            f"what an earlier {names} holds."
        )
    told.append(
        f"The data on {former or 'the node where it runs now'} is left there, in {names}: nothing deletes it, and only "
        "moving back uses it again."
    )
    told.append("If this fails or is cancelled, the service goes back to its data. A later rollback does not move it.")
    told += [
        f"{name} asks for {asked} in its graph, which {there} is not, so it could not run: change placement first."
        for name, asked in _excluded(config, dict.fromkeys(move.services, move.node.facts))
    ]
    return tuple(told)


def placement_warnings(*, project_id: UUID, target: Target, stack: Stack) -> tuple[str, ...]:
    """Return a sentence for each service whose graph asks for another node than the one that has its data."""
    with_data = [service.name for service in stack.services if service.volumes]
    if target.kind is not TargetKind.CLUSTER or not with_data:
        return ()
    hosts = _hosts(project_id=project_id, target=target)
    nodes = {node.hostname: node for node in clusters.nodes_of(cluster_id=target.id)[0]}
    places = {name: nodes[hosts[name][0]] for name in with_data if name in hosts and hosts[name][0] in nodes}
    return tuple(
        f"{name} has its data on {places[name].hostname}, and its graph asks for {asked}: no node is both, so this "
        "would fail. Data moves only when somebody moves it: restart the service with another node."
        for name, asked in _excluded({"files": stack.files}, places)
    )


def _excluded(config: Mapping[str, Any], places: Mapping[str, NodeFacts]) -> Iterator[tuple[str, str]]:
    """Yield the services that their file keeps off the node where they are to be, and what it asks for."""
    services = (yaml.safe_load(config.get("files", {}).get(COMPOSE_FILE, "")) or {}).get("services") or {}
    for name, node in places.items():
        placement = ((services.get(name) or {}).get("deploy") or {}).get("placement") or {}
        yield from ((name, each) for each in placement.get("constraints") or () if excludes(each, node))


def excludes(constraint: str, node: NodeFacts) -> bool:
    """Tell whether a constraint names a node and cannot mean this one; what it says of labels nobody knows here."""
    key, _, value = constraint.replace(" ", "").replace("!=", "==").partition("==")
    known = {"node.hostname": node.hostname, "node.id": node.id, "node.role": node.role}
    return key in known and (known[key] == value) is ("!=" in constraint)


def _hosts(*, project_id: UUID, target: Target) -> dict[str, tuple[str, ...]]:
    """Return by service the names of the nodes on which its tasks were seen last."""
    found: dict[str, set[str]] = {}
    for look in stacks.look_at(project_ids=[project_id]):
        for task in look.containers if look.stack.server_id == target.id else ():
            if task.host:
                found.setdefault(task.service, set()).add(task.host)
    return {name: tuple(sorted(hosts)) for name, hosts in found.items()}


def _places(cluster_id: UUID) -> tuple[Place, ...]:
    """Return the nodes as managers told them, with what agents of ours there told."""
    nodes, _ = clusters.nodes_of(cluster_id=cluster_id)
    members = {each.id: each.name for each in directory.servers_of_cluster(cluster_id=cluster_id)}
    agents = directory.agents_of_servers(server_ids=list(members))
    on = {agent.swarm.node_id: agent for agent in agents.values() if agent.swarm is not None}
    seen = {row.server_id: row.volumes for row in observed_volumes.on_servers(server_ids=list(members))}
    return tuple(
        Place(
            facts=facts,
            server_name=members[agent.server_id],
            told=agent.presence is Presence.ONLINE,
            volumes=tuple(volume.name for volume in seen.get(agent.server_id, ())),
        )
        if (agent := on.get(facts.id)) is not None
        else Place(facts=facts)
        for facts in sorted(nodes, key=lambda each: each.hostname)
    )


def _node_named(text: str, *, cluster_id: UUID) -> Place:
    lines = _places(cluster_id)
    found = [line for line in lines if text in (line.facts.id, line.facts.hostname, line.server_name)]
    if len(found) != 1:
        known = ", ".join(line.facts.hostname or line.facts.id for line in lines) or "-"
        message = sentence("The cluster has no node {text}. It has: {known}.", text=text, known=known)
        if found:
            message = sentence("Several nodes are called {text}. Name one by its id.", text=text)
        raise _refused(message)
    facts = found[0].facts
    if not facts.is_ready or facts.availability != "active":
        state = facts.state if not facts.is_ready else facts.availability
        raise _refused(
            sentence("{hostname} takes no tasks at the moment: it is {state}.", hostname=facts.hostname, state=state)
        )
    return found[0]


def _refused(message: str) -> Invalid:
    return Invalid(message, details={FIELD: message})
