"""Which Swarm the engines of agents are in, as they told, and the nodes of clusters as managers tell them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from agents.models import Agent, Cluster, SwarmNodes
from agents.swarm import NodeFacts, SwarmFacts, SwarmRole, node_of


def store(*, agent_id: UUID, facts: SwarmFacts, nodes: tuple[NodeFacts, ...] | None) -> SwarmFacts:
    """Store what the agent told, and return it. Must run inside a transaction that holds the agent's row.

    A manager without a quorum does not know its swarm's id: what the same node told before counts on. Nodes that it
    cannot read now stay as they were told, with their age; an engine that is no manager any more has none.
    """
    former: Mapping[str, Any] = Agent.objects.filter(id=agent_id).values_list("swarm", flat=True).first() or {}
    stored = asdict(facts)
    if facts.role is SwarmRole.MANAGER and not facts.swarm_id and former.get("node_id") == facts.node_id:
        stored["swarm_id"] = former.get("swarm_id", "")
    Agent.objects.filter(id=agent_id).update(swarm=stored, swarm_at=Now())
    if nodes is not None:
        rows = [asdict(each) for each in nodes]
        told = {"swarm_id": stored["swarm_id"], "nodes": rows, "told_at": Now()}
        SwarmNodes.objects.update_or_create(agent_id=agent_id, defaults=told)
    elif facts.role is not SwarmRole.MANAGER:
        SwarmNodes.objects.filter(agent_id=agent_id).delete()
    return SwarmFacts(**{**stored, "role": facts.role})


def newest_nodes(*, swarm_id: str, agent_ids: Collection[UUID]) -> tuple[tuple[NodeFacts, ...], datetime | None]:
    """Return the nodes of a swarm as one of these agents told them last, and when; nothing where none of them did."""
    rows = SwarmNodes.objects.filter(swarm_id=swarm_id, agent_id__in=agent_ids).order_by("-told_at")
    found = rows.first()
    return ((), None) if found is None else (tuple(node_of(each) for each in found.nodes), found.told_at)


def bind(*, cluster_id: UUID, swarm_id: str) -> bool:
    """Bind the cluster to a swarm; False when it is another's by then, or the swarm is another cluster's."""
    try:
        with transaction.atomic():
            rows = Cluster.objects.filter(id=cluster_id)
            bound = rows.filter(swarm_id__isnull=True).update(swarm_id=swarm_id) == 1
            return bound or rows.filter(swarm_id=swarm_id).exists()
    except IntegrityError:
        return False


def unbind(*, cluster_id: UUID) -> None:
    """Note that the cluster is no swarm any more."""
    Cluster.objects.filter(id=cluster_id).update(swarm_id=None)
