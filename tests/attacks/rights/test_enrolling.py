"""Enrolment tokens in the wrong hands: an older one, one of a server that is gone, one against an agent at work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection

from agents.errors import AgentIsConnected, EnrolmentRefused, Unauthenticated
from agents.hello import Hello
from agents.models import Agent, EnrolmentToken, Server
from agents.services import enrolment, greeting
from agents.types import AgentInfo, Registration
from deployments.models import User
from deployments.services.fleet import machine_changes, machine_list
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.doors.people import People

pytestmark = pytest.mark.django_db


def token_for(server: Server, *, replace: bool = False) -> str:
    return enrolment.create_token(server_id=server.id, owner_id=server.owner_id, replace=replace).token


def enrol(token: str, server_id: UUID | None = None) -> Registration:
    return enrolment.register(token=token, server_id=server_id, info=AgentInfo(), new_id=uuid4())


def connected(registered: Registration) -> Registration:
    greeting.greet(agent_id=registered.agent_id, credential=registered.credential, session_id=uuid4(), hello=Hello())
    return registered


def test_a_newer_token_ends_the_older_ones(server: Server) -> None:
    old, older, newest = (token_for(server) for _ in range(3))
    for token in (old, older):
        with pytest.raises(EnrolmentRefused):
            enrol(token)
    assert enrol(newest).server_id == server.id


@pytest.mark.parametrize("how", ["revoked", "removed", "deleted", "another owner", "another owner, quietly"])
def test_a_token_ends_with_what_it_was_made_for(people: People, server: Server, how: str) -> None:
    owner, stranger = people.users["owner"], people.users["stranger"]
    agent = connected(enrol(token_for(server)))
    token = token_for(server, replace=True)
    if how == "revoked":
        machine_changes.revoke_agent(caller=caller_of(owner), agent_id=agent.agent_id)
    elif how == "removed":
        machine_changes.revoke_agent(caller=caller_of(owner), agent_id=agent.agent_id)
        token = token_for(server)
        machine_changes.remove_server(caller=caller_of(owner), server_id=server.id)
    elif how == "deleted":
        Server.objects.filter(pk=server.pk).delete()
    elif how == "another owner":
        server.owner = stranger
        server.save()
    else:
        Server.objects.filter(pk=server.pk).update(owner=stranger)
    with pytest.raises(EnrolmentRefused):
        enrol(token)


def test_the_place_of_a_connected_agent_takes_a_token_made_for_that(people: People, server: Server) -> None:
    rightful = connected(enrol(token_for(server)))
    token = token_for(server)
    with pytest.raises(AgentIsConnected, match="replace"):
        enrol(token)
    assert enrolment.authenticate(credential=rightful.credential).id == rightful.agent_id
    page = f"/admin/agents/server/{server.id}/change/"
    assert "No connected agent has been replaced" in people.browser("owner").get(page).content.decode()
    assert "If that was not you" not in people.browser("owner").get(page).content.decode()
    enrol(token_for(server, replace=True))
    with pytest.raises(Unauthenticated):
        enrolment.authenticate(credential=rightful.credential)
    assert "If that was not you" in people.browser("owner").get(page).content.decode()
    listed = people.browser("owner").get("/admin/agents/enrolmenttoken/").context["cl"].result_list
    assert [token.replaced_live_agent for token in listed] == [True, False]


def test_a_refused_token_is_good_once_the_agent_is_lost(server: Server) -> None:
    connected(enrol(token_for(server)))
    token = token_for(server)
    with pytest.raises(AgentIsConnected):
        enrol(token)
    Agent.objects.update(last_seen_at=factories.NOW.replace(year=2020))
    assert enrol(token).server_id == server.id


def test_tokens_are_listed_and_ended_by_the_servers_owner(people: People, server: Server) -> None:
    api, path = people.api("owner"), f"/api/servers/{server.id}/enrolment-tokens"
    made = api.post(path, {"replace": True}, format="json").json()["data"]
    listed = api.get(path).json()["data"]["tokens"]
    assert [(each["replace"], each["expiresAt"]) for each in listed] == [(True, made["expiresAt"])]
    assert made["token"] not in str(listed)
    one = f"{path}/{listed[0]['id']}"
    assert people.api("stranger").delete(one).status_code == 404
    assert api.delete(one).status_code == 204
    assert api.delete(one).status_code == 404
    with pytest.raises(EnrolmentRefused):
        enrol(made["token"])


def test_a_used_token_stays_as_a_record(people: People, server: Server) -> None:
    enrol(token_for(server))
    used = EnrolmentToken.objects.get()
    token_for(server)
    assert EnrolmentToken.objects.filter(pk=used.pk).exists()
    page = f"/admin/agents/enrolmenttoken/{used.pk}/delete/"
    assert people.browser("owner").post(page, {"post": "yes"}).status_code == 403
    unused = EnrolmentToken.objects.get(used_at__isnull=True)
    assert people.browser("owner").post(page.replace(str(used.pk), str(unused.pk)), {"post": "yes"}).status_code == 302
    assert EnrolmentToken.objects.get() == used


def test_the_server_page_says_when_applications_share_its_name(people: People, server: Server) -> None:
    browser, page = people.browser("owner"), f"/admin/agents/server/{server.id}/change/"
    assert b"answer under the same name" not in browser.get(page).content
    assert b"answer under the same name" in browser.get(page, headers={"Host": "127.0.0.1:8000"}).content
    assert b"answer under the same name" not in browser.get(page, headers={"Host": "localhost:8000"}).content


def at_once(*acts: Callable[[], object]) -> list[str]:
    """How each of them ended: "done", or the error's name."""
    outcomes: list[str] = []
    start = threading.Barrier(len(acts))

    def race(act: Callable[[], object]) -> None:
        try:
            start.wait(timeout=5)
            act()
            outcomes.append("done")
        except Exception as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_enrolling_and_removing_at_once_leaves_no_agent_without_a_server(owner: User, server: Server) -> None:
    token = token_for(server)
    outcomes = at_once(
        lambda: enrol(token),
        lambda: machine_changes.remove_server(caller=caller_of(owner), server_id=server.id),
    )
    assert outcomes.count("done") == 1
    assert Server.objects.exists() == Agent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_tokens_made_at_once_one_is_good(owner: User, server: Server) -> None:
    made = [lambda: machine_list.issue_enrolment_token(caller=caller_of(owner), server_id=server.id)] * 6
    assert at_once(*made) == ["done"] * 6
    assert len(machine_list.list_enrolment_tokens(caller=caller_of(owner), server_id=server.id)) == 1
