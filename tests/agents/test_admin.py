"""Machines in the admin: own rows, pills, and the token that is shown once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agents.errors import Unauthenticated
from agents.models import Cluster, EnrolmentToken, Server
from agents.services import enrolment
from agents.types import AgentInfo, Registration
from deployments.models import User
from tests import factories
from tests.agents.doubles import send

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(owner: User) -> User:
    """Alice, who may do everything with her own machines, without any permission of Django's."""
    owner.is_staff = True
    owner.save()
    return owner


@pytest.fixture
def alice(operator: User, settings: Any) -> Client:
    settings.WHITENOISE_AUTOREFRESH = True  # static files are not collected for tests
    client = Client()
    client.force_login(operator)
    return client


def page(client: Client, name: str, *args: Any) -> Any:
    return client.get(reverse(f"admin:agents_{name}", args=args))


def test_lists_show_own_machines_with_their_health(alice: Client, registered: Registration, stranger: User) -> None:
    factories.make_server(stranger, name="mallorys-server")
    Cluster.objects.create(owner=stranger, name="mallorys-cluster")
    send(agent_id=registered.agent_id, lane="alices-lane")
    servers = page(alice, "server_changelist").content.decode()
    assert "server-1" in servers
    assert "No agent yet" in servers
    assert "mallorys-server" not in servers
    assert "mallorys-cluster" not in page(alice, "cluster_changelist").content.decode()
    assert "server-1" in page(alice, "agent_changelist").content.decode()
    assert "alices-lane" in page(alice, "commandrecord_changelist").content.decode()


def test_another_s_rows_are_not_there(alice: Client, stranger: User) -> None:
    theirs = factories.make_server(stranger)
    agent = factories.make_agent(theirs)
    command = send(agent_id=agent.id, lane="mallorys-lane")
    for name, key in (("server", theirs.id), ("agent", agent.id), ("commandrecord", command.id)):
        assert page(alice, f"{name}_change", key).status_code == 302, "the admin says that it does not exist"
    for url in (f"/admin/agents/server/{theirs.id}/new-enrolment-token/", f"/admin/agents/agent/{agent.id}/revoke/"):
        assert alice.post(url).status_code == 404
    assert not EnrolmentToken.objects.exists()
    assert "mallorys-lane" not in page(alice, "commandrecord_changelist").content.decode()


def test_a_server_belongs_to_whoever_adds_it_and_joins_own_clusters_only(
    alice: Client, operator: User, stranger: User
) -> None:
    mine = Cluster.objects.create(owner=operator, name="mine")
    theirs = Cluster.objects.create(owner=stranger, name="theirs")
    form = {"name": "new", "host": "10.0.0.1", "port": "22", "username": "root"}
    add = reverse("admin:agents_server_add")
    alice.post(add, {**form, "cluster": str(theirs.id), "owner": str(stranger.id)})
    assert not Server.objects.exists()
    alice.post(add, {**form, "cluster": str(mine.id), "owner": str(stranger.id)})
    assert Server.objects.get().owner == operator
    assert Server.objects.get().cluster == mine


def test_what_nobody_can_open_is_no_host_of_a_server(alice: Client) -> None:
    form = {"name": "new", "host": "10.0.0.999", "port": "22", "username": "root"}
    answer = alice.post(reverse("admin:agents_server_add"), form)
    assert "This is neither a host name nor an IP address." in answer.content.decode()
    assert not Server.objects.exists()


def test_the_token_is_made_by_post_and_shown_once(alice: Client, operator: User, server: Server) -> None:
    url = f"/admin/agents/server/{server.id}/new-enrolment-token/"
    assert alice.get(url).status_code == 200
    assert not EnrolmentToken.objects.exists()
    answer = alice.post(url)
    shown = re.search(r"axe_[\w-]+", answer.content.decode())
    assert shown
    assert "no-store" in answer["Cache-Control"]
    assert "python -m agents.runner" in answer.content.decode()
    done = enrolment.register(token=shown[0], server_id=server.id, info=AgentInfo(), new_id=server.id)
    assert done.server_id == server.id
    assert "axe_" not in alice.get(url).content.decode()


def test_agents_and_commands_are_for_looking_and_revoking(alice: Client, registered: Registration) -> None:
    command = send(agent_id=registered.agent_id)
    detail = page(alice, "agent_change", registered.agent_id)
    assert detail.status_code == 200
    assert "_save" not in detail.content.decode()
    assert page(alice, "commandrecord_change", command.id).status_code == 200
    assert page(alice, "agent_add").status_code == 403
    revoke = f"/admin/agents/agent/{registered.agent_id}/revoke/"
    assert alice.get(revoke).status_code == 200
    assert enrolment.authenticate(credential=registered.credential)
    assert alice.post(revoke).status_code == 302
    with pytest.raises(Unauthenticated):
        enrolment.authenticate(credential=registered.credential)


@pytest.mark.parametrize("name", ["server", "cluster", "agent", "commandrecord"])
def test_an_empty_list_says_what_to_do_next(alice: Client, name: str) -> None:
    answer = page(alice, f"{name}_changelist")
    said = answer.content.decode()
    hint = answer.context["cl"].model_admin.empty_hint
    assert hint
    assert str(hint) in said
    assert "No results found" not in said


def test_agents_are_listed_by_their_credential(alice: Client, registered: Registration) -> None:
    assert "server-1" in alice.get("/admin/agents/agent/?credential=valid").content.decode()
    revoked = alice.get("/admin/agents/agent/?credential=revoked").content.decode()
    assert "No results" in revoked
