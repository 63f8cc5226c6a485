"""Where a stack answers: at its domains, at ports that its graph names, and at those that Docker chose."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from agents.contracts.version import OBSERVING_PROTOCOL
from agents.models import Agent, Server
from agents.reports.observation import ContainerSeen, HostObserved
from deployments.services.observation import record
from deployments.services.projects import sources
from deployments.services.queries.addresses import addresses_of
from tests.deployments.lane import Lane
from tests.stackgen.graphs import DATABASE, graph, node, web


def test_ports_that_docker_chose_are_told_once_they_were_seen(lane: Lane) -> None:
    session = uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(session_id=session, protocol=OBSERVING_PROTOCOL)
    Server.objects.filter(pk=lane.server.id).update(host="box.example")
    raw = graph(
        web("a", ports="8000 8443:8443"),
        web("b"),
        node("db", DATABASE, databaseType="postgresql", ports="5432", hostPort="5433"),
    )
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=raw)
    done = lane.deployed()

    def told() -> list[tuple[str, str]]:
        return [(each.text, each.url) for each in addresses_of(done)]

    fixed = [("box.example:8443", "http://box.example:8443/"), ("box.example:5433", "")]
    assert told() == fixed
    usual = ContainerSeen(
        id="a" * 12, name="s-a-1", stack_name="s", project_id=lane.project_id, deployment_id="", node_id="a",
        service_name="a", image_id="sha256:a", state="running", health="healthy", restarts_itself=True,
    )  # fmt: skip
    seen = (
        replace(usual, shown={"givenPorts": "32768->8000/tcp, 32770->53/udp"}),
        replace(usual, id="b" * 12, node_id="b", service_name="b", shown={"givenPorts": "32771->80/tcp"}),
        replace(usual, id="d" * 12, node_id="db", service_name="db", shown={"givenPorts": "32769->5432/tcp"}),
    )
    record.record_observation(observation=HostObserved(agent_id=lane.agent.id, session_id=session, containers=seen))
    assert told() == [
        fixed[0],
        ("box.example:32768 (for 8000)", "http://box.example:32768/"),
        fixed[1],
        ("box.example:32769 (for 5432)", ""),
    ]
