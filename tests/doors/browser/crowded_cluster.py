"""A cluster with many nodes, one of them a server of ours."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from agents.models import Agent, Cluster, Server
from agents.repositories import swarms
from agents.swarm import NodeFacts, SwarmFacts, SwarmRole
from deployments.models import ClusterChange, User

NODES = 12


def a_formed_cluster(owner: User, *, agent_id: UUID, name: str) -> Cluster:
    """A swarm of many nodes, one of which is the server of this agent; one change failed."""
    cluster = Cluster.objects.create(owner=owner, name=name, swarm_id="swarm")
    facts = SwarmFacts(role=SwarmRole.MANAGER, swarm_id="swarm", node_id="n0", control_available=True)
    nodes = tuple(
        NodeFacts(
            id=f"n{number}",
            hostname=f"{number}-{name}"[:60],
            role="manager" if number < 3 else "worker",
            leader=number == 0,
            reachability="reachable" if number < 2 else "unreachable",
            availability="active" if number else "drain",
            state="ready" if number != 4 else "down",
            message="" if number != 4 else f"heartbeat failure {name}",
            address=f"10.0.0.{number}",
            engine_version="28.5.1",
            cpus=4.0,
            memory_bytes=8 * 1024**3,
        )
        for number in range(NODES)
    )
    server_id = Agent.objects.filter(pk=agent_id).values_list("server_id", flat=True)[0]
    Server.objects.filter(pk=server_id).update(cluster=cluster)
    swarms.store(agent_id=agent_id, facts=facts, nodes=nodes)
    for number, state in enumerate(("refused", "done"), 1):
        ClusterChange.objects.create(
            cluster_id=cluster.pk, number=number, kind="join", state=state, steps=["token", "join", "confirm"],
            server_name=name[:100], message=f"Docker says no to {name}", requested_by_id=owner.pk,
            requested_by_name=owner.username, requested_at=timezone.now(), deadline_at=timezone.now(),
            ended_at=timezone.now(),
        )  # fmt: skip
    return cluster
