"""Who may deploy where, on pages: what is offered, what is refused to be deleted, whom to ask."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Cluster, Server
from deployments.admin import page_data
from deployments.models import Deployment, Project, TargetGrant
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.doors.people import People

SERVERS = "/admin/agents/server/"


@pytest.mark.parametrize("model", ["server", "cluster"])
def test_a_machine_is_deleted_by_its_name_on_a_page_that_says_what_follows(
    people: People, project: Project, server: Server, model: str
) -> None:
    owner = people.browser("owner")
    row: Any = server if model == "server" else Cluster.objects.create(owner=people.users["owner"], name="farm")
    waiting = factories.make_deployment(project, server)
    if model == "cluster":
        Deployment.objects.filter(pk=waiting.pk).update(server_id=None, cluster_id=row.pk)
    page = f"/admin/agents/{model}/{row.pk}/deletion/"
    assert b"Not possible now: A deployment to this" in owner.get(page).content
    assert b"is not finished" in owner.post(page, {"typed": row.name, "end": "forget"}, follow=True).content
    Deployment.objects.filter(pk=waiting.pk).update(status="failed", reason="invalid", completed_at=factories.NOW)
    assert b"Nothing runs there, as far as is known." in owner.get(page).content
    assert b"whole name" in owner.post(page, {"typed": "another", "end": "forget"}, follow=True).content
    assert b"Choose what happens" in owner.post(page, {"typed": row.name}, follow=True).content
    assert type(row).objects.filter(pk=row.pk).exists()
    assert b"was deleted." in owner.post(page, {"typed": row.name, "end": "forget"}, follow=True).content
    assert not type(row).objects.filter(pk=row.pk).exists()
    assert f"{row.name} is deleted".encode() in owner.get(page).content
    # Neither Django's page for it nor the list deletes anything, not even for a superuser.
    root = people.browser("root")
    kept: Any = factories.make_server(people.users["owner"], name="kept")
    root.post("/admin/agents/server/", {"action": "delete_selected", "_selected_action": [kept.pk], "post": "yes"})
    assert root.post(f"/admin/agents/server/{kept.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Server.objects.filter(pk=kept.pk).exists()


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
