"""Online, silent, lost: by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now

from agents import gateway
from agents.errors import AgentNotFound, ServerNotFound
from agents.models import Agent, Cluster, GatewayPresence, Server
from agents.services import command_delivery, directory, enrolment
from agents.states import Presence
from agents.types import AgentHealth, Registration, Sighting
from deployments.models import User
from tests import factories
from tests.agents.conftest import enrol
from tests.agents.doubles import send

pytestmark = pytest.mark.django_db


def last_seen(registered: Registration, seconds_ago: float) -> None:
    Agent.objects.filter(id=registered.agent_id).update(last_seen_at=Now() - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("seconds_ago", "wanted"),
    [(0, Presence.ONLINE), (14, Presence.ONLINE), (16, Presence.SILENT), (179, Presence.SILENT), (181, Presence.LOST)],
)
def test_presence_by_age(registered: Registration, server: Server, seconds_ago: float, wanted: Presence) -> None:
    last_seen(registered, seconds_ago)
    assert directory.agent_for_server(server_id=server.id).presence is wanted
    assert Agent.objects.online().exists() is (wanted is Presence.ONLINE)
    assert directory.get_server(server_id=server.id).presence is wanted


def test_a_sighting_makes_an_agent_online_and_keeps_its_last_health(registered: Registration) -> None:
    last_seen(registered, 200)
    health = AgentHealth(cpu_usage=12.5, active_containers=3)
    assert command_delivery.beat_and_touch(gateway_id=uuid4(), seen={registered.agent_id: Sighting(health=health)}) == {
        registered.agent_id
    }
    command_delivery.beat_and_touch(gateway_id=uuid4(), seen={registered.agent_id: Sighting()})
    agent = directory.get_agent(agent_id=registered.agent_id)
    assert (agent.presence, agent.health) == (Presence.ONLINE, health)


def test_a_sighting_in_a_session_that_was_replaced_does_not_count(registered: Registration) -> None:
    last_seen(registered, 200)
    assert (
        command_delivery.beat_and_touch(gateway_id=uuid4(), seen={registered.agent_id: Sighting(session_id=uuid4())})
        == frozenset()
    )
    assert directory.get_agent(agent_id=registered.agent_id).presence is Presence.LOST


def test_a_server_without_an_agent_waits(server: Server) -> None:
    assert directory.get_server(server_id=server.id).presence is Presence.PENDING
    with pytest.raises(AgentNotFound):
        directory.agent_for_server(server_id=server.id)


def test_a_cluster_shows_how_its_servers_are(owner: User) -> None:
    cluster = Cluster.objects.create(owner=owner, name="c")
    servers = [factories.make_server(owner, name=f"s{number}") for number in range(3)]
    Server.objects.update(cluster=cluster)
    for server, age in zip(servers[:2], (30, 3), strict=True):
        last_seen(enrol(server), age)
    assert directory.get_cluster(cluster_id=cluster.id).servers_count == 3
    presences = [server.presence for server in directory.servers_of(owner_id=owner.id)]
    assert presences == [Presence.SILENT, Presence.ONLINE, Presence.PENDING]


def test_lists_show_the_owners_own(server: Server, registered: Registration, stranger: User) -> None:
    assert [each.id for each in directory.servers_of(owner_id=server.owner_id)] == [server.id]
    assert directory.servers_of(owner_id=stranger.id) == ()
    assert directory.agents_of(owner_id=stranger.id, page=1, limit=10) == ((), 0)
    with pytest.raises(AgentNotFound):
        directory.own_agent(agent_id=registered.agent_id, owner_id=stranger.id)
    assert directory.own_agent(agent_id=registered.agent_id, owner_id=server.owner_id).id == registered.agent_id


def test_what_is_missing_is_said_to_be(db: None) -> None:
    with pytest.raises(ServerNotFound):
        directory.get_server(server_id=uuid4())
    with pytest.raises(ServerNotFound):
        directory.get_cluster(cluster_id=uuid4())


def unheard_for(seconds: float) -> tuple[UUID, ...]:
    return gateway.deployments_unheard_for(silence=timedelta(seconds=seconds))


def test_deployments_whose_agent_is_away_are_found(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id)
    last_seen(registered, 30)
    assert unheard_for(20) == (), "nobody listened"
    listening = uuid4()
    command_delivery.beat_and_touch(gateway_id=listening, seen={})
    assert unheard_for(20) == (), "nobody has listened long enough"
    GatewayPresence.objects.update(listening_since=Now() - timedelta(seconds=100))
    assert unheard_for(20) == (sent.deployment_id,)
    assert unheard_for(60) == ()
    GatewayPresence.objects.update(last_seen_at=Now() - timedelta(seconds=50))
    assert unheard_for(20) == (), "whoever listened is gone"
    GatewayPresence.objects.update(last_seen_at=Now())
    Agent.objects.update(last_seen_at=None)
    assert unheard_for(60) == (sent.deployment_id,), "never heard at all"
    last_seen(registered, 30)
    enrolment.revoke(agent_id=registered.agent_id)
    assert unheard_for(60) == (sent.deployment_id,)
    assert gateway.finish(command_id=sent.id)
    assert unheard_for(20) == (), "nobody waits for it any more"


def test_a_gateway_that_was_cut_off_begins_to_listen_anew(registered: Registration) -> None:
    send(agent_id=registered.agent_id)
    last_seen(registered, 90)
    listening = uuid4()
    command_delivery.beat_and_touch(gateway_id=listening, seen={})
    GatewayPresence.objects.update(
        listening_since=Now() - timedelta(seconds=100), last_seen_at=Now() - timedelta(seconds=50)
    )
    command_delivery.beat_and_touch(gateway_id=listening, seen={})
    assert unheard_for(60) == ()
