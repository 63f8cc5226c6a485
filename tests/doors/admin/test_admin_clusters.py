"""The page of a cluster's nodes: what follows from an action is said before anything is stored."""

from __future__ import annotations

import pytest
from django.utils import timezone

from agents.models import Agent, Cluster, CommandRecord, Server
from deployments.models import AuditEntry, ClusterChange, ClusterRegistry
from tests import factories
from tests.doors.browser.crowded_cluster import a_formed_cluster
from tests.doors.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(people: People) -> Cluster:
    owner = people.users["owner"]
    agent = factories.make_agent(factories.make_server(owner, name="one"))
    Agent.objects.filter(pk=agent.pk).update(protocol=8, last_seen_at=timezone.now())
    made = a_formed_cluster(owner, agent_id=agent.pk, name="production")
    ClusterChange.objects.all().delete()
    return made


def test_the_consequences_come_first_and_then_one_command(people: People, cluster: Cluster) -> None:
    browser, url = people.browser("owner"), f"/admin/agents/cluster/{cluster.pk}/nodes/"
    shown = browser.get(url).content.decode()
    assert "12 nodes, 3 managers." in shown
    # Two of three managers are reachable: without either of them there is no majority.
    assert "No manager may fail" in shown
    asked = browser.post(url, {"do": "node", "node": "n5", "action": "drain"})
    question = asked.content.decode()
    assert "stopped and started on other nodes" in question
    assert not ClusterChange.objects.exists()
    wish = {"do": "node", "node": "n5", "action": "drain", "confirmed": "1", "requestId": "a"}
    for _ in range(2):
        assert browser.post(url, wish).status_code == 302
    assert ClusterChange.objects.get().state == "working"
    assert AuditEntry.objects.get(server_id=cluster.pk).detail.startswith("asked to drain: ")
    order = CommandRecord.objects.get()
    assert (order.kind, order.payload["action"], order.payload["availability"]) == ("swarm", "update", "drain")
    assert order.lane == f"cluster:{cluster.pk}"


def test_what_would_lose_the_quorum_is_refused_in_words(people: People, cluster: Cluster) -> None:
    browser, url = people.browser("owner"), f"/admin/agents/cluster/{cluster.pk}/nodes/"
    refused = browser.post(url, {"do": "node", "node": "n1", "action": "demote"}, follow=True)
    assert "the quorum would be lost" in refused.content.decode()
    told = browser.post(url, {"do": "node", "node": "n1", "action": "dance"}, follow=True)
    assert "Choose what is to be done with the node" in told.content.decode()
    assert not ClusterChange.objects.exists()


def test_a_server_is_moved_only_where_its_engine_is(people: People, cluster: Cluster) -> None:
    api, one = people.api("owner"), Server.objects.get(cluster=cluster)
    refused = api.patch(f"/api/servers/{one.pk}", {"clusterId": None}, format="json")
    assert (refused.status_code, "have it leave first" in refused.content.decode()) == (409, True)
    other = factories.make_server(people.users["owner"], name="other")
    refused = api.patch(f"/api/servers/{other.pk}", {"clusterId": str(cluster.pk)}, format="json")
    assert (refused.status_code, "other has no agent" in refused.content.decode()) == (409, True)
    form = {"name": "other", "host": "", "port": "22", "username": "", "cluster": str(cluster.pk)}
    told = people.browser("owner").post(f"/admin/agents/server/{other.pk}/change/", form)
    assert (told.status_code, "other has no agent" in told.content.decode()) == (200, True)
    other.refresh_from_db()
    assert other.cluster_id is None


def test_the_form_of_a_cluster_shows_nobody_elses_servers(people: People, cluster: Cluster) -> None:
    factories.make_server(people.users["stranger"], name="hidden-from-others")
    told = people.browser("owner").get(f"/admin/agents/cluster/{cluster.pk}/change/")
    assert (told.status_code, "hidden-from-others" in told.content.decode()) == (200, False)


def test_where_images_are_built_and_go_to_is_chosen_on_the_page(people: People, cluster: Cluster) -> None:
    browser, url = people.browser("owner"), f"/admin/agents/cluster/{cluster.pk}/nodes/"
    one = Server.objects.get(cluster=cluster)
    ours = factories.make_registry(owner=people.users["owner"], name="ours")
    factories.make_registry(owner=None, address="default.example.org")
    assert "Default: default.example.org" in browser.get(url).content.decode()
    wish = {"do": "images", "builder": str(one.pk), "registry": str(ours.pk)}
    assert "is too old to build for a cluster" in browser.post(url, wish, follow=True).content.decode()
    Agent.objects.filter(server_id=one.pk).update(understands={"build": 1})
    assert "Saved. It takes effect with the next deployment." in browser.post(url, wish, follow=True).content.decode()
    cluster.refresh_from_db()
    assert (cluster.builder_id, ClusterRegistry.objects.get().registry_id) == (one.pk, ours.pk)
    shown = browser.get(url).content.decode()
    assert f'<option value="{one.pk}" selected>' in shown
    assert f'<option value="{ours.pk}" selected>' in shown
    browser.post(url, {"do": "images", "builder": "", "registry": ""})
    cluster.refresh_from_db()
    assert (cluster.builder_id, ClusterRegistry.objects.count()) == (None, 0)
