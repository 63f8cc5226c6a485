"""Which agents speak for a cluster's managers, and which server is no node of its swarm."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from django.db.models.functions import Now

from agents.contracts import runner_pb2 as pb
from agents.models import Agent, Cluster, Server, SwarmNodes
from agents.reports.swarm_seen import SwarmTold
from agents.services import clusters
from agents.swarm import NodeFacts, SwarmFacts, SwarmRole
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.swarms import facts_from_wire, nodes_from_wire
from agents.types import Registration
from deployments.models import User
from tests.agents.conftest import enrol
from tests.agents.doubles import FakeAgent

SWARM = "swarm-of-ours"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A server of the cluster with a connected agent."""

    server_id: UUID
    agent_id: UUID
    session_id: UUID
    node_id: str

    def tell(self, role: SwarmRole, *nodes: str, **facts: Any) -> None:
        said = SwarmFacts(role=role, node_id=self.node_id, **facts)
        seen = tuple(NodeFacts(id=each) for each in nodes) if nodes else None
        told = SwarmTold(agent_id=self.agent_id, session_id=self.session_id, facts=said, nodes=seen)
        assert clusters.record_swarm(told=told) == self.server_id

    def manages(self, *nodes: str, quorum: bool = True) -> None:
        self.tell(SwarmRole.MANAGER, *nodes, swarm_id=SWARM if quorum else "", control_available=quorum)


@pytest.fixture
def cluster(owner: User) -> Cluster:
    return Cluster.objects.create(owner=owner, name="production", swarm_id=SWARM)


@pytest.fixture
def nodes(cluster: Cluster, owner: User) -> dict[str, Node]:
    made = {}
    for name in ("a", "b", "c"):
        server = Server.objects.create(owner=owner, name=name, cluster=cluster)
        session_id, registered = uuid4(), enrol(server)
        Agent.objects.filter(pk=registered.agent_id).update(session_id=session_id, last_seen_at=Now())
        made[name] = Node(
            server_id=server.id, agent_id=registered.agent_id, session_id=session_id, node_id=f"node-{name}"
        )
    return made


def order(cluster: Cluster) -> list[str]:
    return [each.server_name for each in clusters.manager_agents(cluster_id=cluster.id)]


@pytest.mark.django_db
def test_only_managers_of_exactly_this_swarm_speak_for_it_the_connected_first(
    cluster: Cluster, nodes: dict[str, Node]
) -> None:
    assert order(cluster) == []
    nodes["a"].manages("node-a", "node-b")
    nodes["b"].manages("node-a", "node-b")
    nodes["c"].tell(SwarmRole.MANAGER, "node-c", swarm_id="another", control_available=True)
    assert order(cluster) == ["a", "b"]
    Agent.objects.filter(pk=nodes["a"].agent_id).update(last_seen_at=Now() - timedelta(minutes=1))
    assert order(cluster) == ["b", "a"]
    Agent.objects.filter(pk=nodes["a"].agent_id).update(last_seen_at=Now(), revoked_at=Now())
    assert order(cluster) == ["b"]
    Cluster.objects.filter(pk=cluster.pk).update(swarm_id=None)
    assert order(cluster) == []


@pytest.mark.django_db
def test_a_manager_without_a_quorum_stays_one_of_this_swarm_and_comes_after_the_others(
    cluster: Cluster, nodes: dict[str, Node]
) -> None:
    nodes["a"].manages("node-a", "node-b")
    nodes["b"].manages("node-a", "node-b")
    nodes["a"].manages(quorum=False)
    assert order(cluster) == ["b", "a"]
    assert clusters.why_no_manager(cluster_id=cluster.id) == ""
    nodes["b"].manages(quorum=False)
    assert "no quorum" in clusters.why_no_manager(cluster_id=cluster.id)
    # What it could read last is still told, with its age.
    seen, told_at = clusters.nodes_of(cluster_id=cluster.id)
    assert {each.id for each in seen} == {"node-a", "node-b"}
    assert told_at is not None
    # It left and joined another one: what it was counts no longer.
    nodes["a"].tell(SwarmRole.WORKER)
    assert not SwarmNodes.objects.filter(agent_id=nodes["a"].agent_id).exists()


@pytest.mark.django_db
def test_who_is_in_another_swarm_or_in_none_is_refused_by_name(cluster: Cluster, nodes: dict[str, Node]) -> None:
    def why(name: str) -> str:
        return clusters.why_not_in_swarm(server_id=nodes[name].server_id, cluster_id=cluster.id)

    assert why("a") == "The agent of a has not told in which Swarm its engine is."
    nodes["a"].manages("node-a", "node-b")
    nodes["b"].tell(SwarmRole.WORKER)
    nodes["c"].tell(SwarmRole.WORKER)
    assert (why("a"), why("b")) == ("", "")
    assert why("c") == "The engine of c is in another Swarm than production."
    nodes["c"].tell(SwarmRole.NONE)
    assert why("c") == "The engine of c is in no Swarm."
    nodes["a"].tell(SwarmRole.MANAGER, "node-a", swarm_id="another", control_available=True)
    assert why("a") == "The engine of a is in another Swarm than production."


@pytest.mark.django_db
def test_who_speaks_no_longer_is_not_believed(nodes: dict[str, Node]) -> None:
    facts = SwarmFacts(role=SwarmRole.NONE)
    told = SwarmTold(agent_id=nodes["a"].agent_id, session_id=uuid4(), facts=facts, nodes=None)
    assert clusters.record_swarm(told=told) is None
    assert Agent.objects.get(pk=nodes["a"].agent_id).swarm is None


def test_what_an_agent_tells_is_cut_to_its_bounds() -> None:
    long = "x" * 10_000
    node = pb.SwarmNode(id=long, hostname=long, message=long, cpus=-1, labels={f"{n}{long}": long for n in range(100)})
    said = pb.SwarmSeen(role="king", state=long, error=long, manager_addresses=[long] * 100, nodes=[node] * 1000)
    assert facts_from_wire(said).role is SwarmRole.UNKNOWN
    assert nodes_from_wire(said) is None
    said.role, said.control_available = "manager", True
    nodes = nodes_from_wire(said)
    assert nodes is not None
    assert len(nodes) == 150
    assert (len(nodes[0].labels), nodes[0].cpus) == (8, 0.0)
    assert max(map(len, (facts_from_wire(said).error, nodes[0].message, nodes[0].hostname))) <= 300


async def test_a_session_stores_what_it_is_told(
    channel: grpc.aio.Channel, registered: Registration, database: DatabaseThreads
) -> None:
    agent = FakeAgent(channel=channel, registered=registered)
    welcome = await agent.welcomed()
    assert welcome.protocol >= 8
    node = pb.SwarmNode(id="n1")
    await agent.tell_swarm(
        pb.SwarmSeen(role="manager", swarm_id=SWARM, node_id="n1", control_available=True, nodes=[node])
    )

    def stored() -> Any:
        return Agent.objects.values_list("swarm", flat=True).get(pk=registered.agent_id)

    async with asyncio.timeout(30):
        while (told := await database.run(stored)) is None:
            await asyncio.sleep(0.02)
    assert (told["role"], told["swarm_id"], told["node_id"]) == ("manager", SWARM, "n1")
