"""Who may deploy where, on pages: what is offered, what is refused to be deleted, whom to ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from agents.models import Agent, Cluster, Server
from deployments.admin import page_data
from deployments.models import Deployment, Project, TargetGrant
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.doors.people import People

SERVERS = "/admin/agents/server/"


def ask_to_delete(browser: Client, model: str, row: Any, *, several: bool) -> Any:
    """As the page does: once to ask, and then confirmed."""
    if not several:
        return browser.post(f"/admin/agents/{model}/{row.pk}/delete/", {"post": "yes"}, follow=True)
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    return browser.post(f"/admin/agents/{model}/", chosen, follow=True)


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_server_with_an_agent_or_a_deployment_is_not_deleted(
    people: People, project: Project, server: Server, several: bool
) -> None:
    root = people.browser("root")
    agent = factories.make_agent(server)
    assert b"The server has an agent." in ask_to_delete(root, "server", server, several=several).content
    assert Server.objects.filter(pk=server.pk).exists()
    Agent.objects.filter(pk=agent.pk).update(revoked_at=factories.NOW)
    waiting = factories.make_deployment(project, server)
    assert b"is not finished" in ask_to_delete(root, "server", server, several=several).content
    assert Server.objects.filter(pk=server.pk).exists()
    Deployment.objects.filter(pk=waiting.pk).update(status="failed", reason="invalid", completed_at=factories.NOW)
    ask_to_delete(root, "server", server, several=several)
    assert not Server.objects.filter(pk=server.pk).exists()


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_cluster_with_a_deployment_is_not_deleted(
    people: People, project: Project, server: Server, several: bool
) -> None:
    root = people.browser("root")
    cluster = Cluster.objects.create(owner=people.users["owner"], name="farm")
    waiting = factories.make_deployment(project, server)
    Deployment.objects.filter(pk=waiting.pk).update(server_id=None, cluster_id=cluster.pk)
    assert b"is not finished" in ask_to_delete(root, "cluster", cluster, several=several).content
    assert Cluster.objects.exists()
    Deployment.objects.filter(pk=waiting.pk).update(status="failed", reason="invalid", completed_at=factories.NOW)
    ask_to_delete(root, "cluster", cluster, several=several)
    assert not Cluster.objects.exists()


def test_a_deployer_is_offered_what_was_granted_and_else_told_whom_to_ask(
    people: People, project: Project, server: Server
) -> None:
    page = f"/admin/deployments/project/{project.id}/change/"
    browser = people.browser("deployer")
    said = browser.get(page).content.decode()
    assert "The project's owner, owner, has not allowed any servers yet" in said
    factories.grant(project, server)
    said = browser.get(page).content.decode()
    assert f'<option value="server:{server.id}">server-1' in said
    assert "has not allowed any servers yet" not in said


def test_the_owner_is_offered_own_servers_and_a_deployers_only_once_offered(people: People, project: Project) -> None:
    caller = caller_of(people.users["owner"])
    mine = factories.make_server(people.users["owner"], name="mine")
    theirs = factories.make_server(people.users["deployer"], name="theirs")

    def offered() -> set[str]:
        return {each["name"] for each in page_data.project_page(caller=caller, project_id=project.id)["targets"]}

    assert offered() == {"mine"}
    targets = f"/admin/deployments/project/{project.id}/targets/"
    people.browser("deployer").post(targets, {"server": str(theirs.id), "do": "allow"})
    assert offered() == {"mine", "theirs"}
    told = people.browser("owner").post(targets, {"server": str(theirs.id), "do": "allow"}, follow=True)
    assert b"The project may be deployed there now." in told.content
    people.browser("deployer").post(targets, {"server": str(theirs.id), "do": "end"})
    assert offered() == {"mine"}
    assert TargetGrant.objects.get().ended_by == people.users["deployer"]
    assert mine.id != theirs.id


def test_the_servers_page_stops_and_forbids(people: People, project: Project, server: Server) -> None:
    factories.grant(project, server)
    browser = people.browser("owner")
    page = f"{SERVERS}{server.id}/projects/"
    assert b"Allowed by owner and owner" in browser.get(page).content
    refused = browser.post(page, {"project": str(project.id), "do": "stop"}, follow=True)
    assert b"No such project on this server." in refused.content
    browser.post(page, {"project": "nothing", "do": "stop"}, follow=True)
    told = browser.post(page, {"project": str(project.id), "do": "forbid"}, follow=True)
    assert b"Ended by owner." in told.content
    assert people.browser("deployer").get(page).status_code == 404
