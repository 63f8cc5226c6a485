"""A server's own page, and the ledger by names: what runs there, its agent, what it was told and what came of that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Agent, CommandRecord, Server
from deployments.admin import page_data
from deployments.models import Deployment, Project
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.deployments.lane import Lane
from tests.doors.people import People

pytestmark = pytest.mark.django_db
SERVERS, COMMANDS = "/admin/agents/server/", "/admin/agents/commandrecord/"


@pytest.fixture
def lane(people: People, project: Project, server: Server) -> Lane:
    made = Lane(owner=people.users["owner"], project_id=project.id, server=server, agent=factories.make_agent(server))
    made.store_graph(web="web:1")
    made.deployed()
    return made


def test_a_servers_page_shows_its_agent_its_commands_and_what_runs(people: People, lane: Lane) -> None:
    lane.store_graph(web="web:2")
    failed = lane.fail(lane.start(lane.ask()))
    page = people.browser("owner").get(f"{SERVERS}{lane.server.pk}/overview/").content.decode()
    assert "Online" in page
    assert f'href="/admin/deployments/project/{lane.project_id}/change/"' in page
    assert f'href="/admin/agents/agent/{lane.agent.pk}/revoke/"' in page
    # A command that is finished wears what came of it, and leads there.
    assert f'href="/admin/deployments/deployment/{failed.id}/change/">Deploy, Voting</a>' in page
    assert ">error</span>Failed</span>" in page
    assert ">check_circle</span>Succeeded</span>" in page
    assert people.browser("stranger").get(f"{SERVERS}{lane.server.pk}/overview/").status_code == 404


def test_a_server_without_an_agent_says_what_to_do(people: People, server: Server) -> None:
    page = people.browser("owner").get(f"{SERVERS}{server.pk}/overview/").content.decode()
    assert "No agent yet" in page
    assert f'href="{SERVERS}{server.pk}/new-enrolment-token/"' in page
    assert "No project has been deployed here yet." in page


def test_a_servers_page_says_what_needs_attention(people: People, lane: Lane) -> None:
    condition = {"engine_answers": False, "engine_message": "no socket"}
    Agent.objects.filter(pk=lane.agent.pk).update(
        condition=condition, trouble="Two machines have one credential.", last_seen_at=timezone.now()
    )
    page = people.browser("owner").get(f"{SERVERS}{lane.server.pk}/overview/").content.decode()
    assert "Two machines have one credential." in page
    assert "Docker does not answer: no socket." in page
    # The last words of an agent that is away are no news.
    Agent.objects.filter(pk=lane.agent.pk).update(last_seen_at=timezone.now() - timedelta(hours=1))
    page = people.browser("owner").get(f"{SERVERS}{lane.server.pk}/overview/").content.decode()
    assert "Disconnected" in page
    assert "Docker does not answer" not in page
    assert "Two machines have one credential." in page


def test_who_may_not_see_a_project_sees_no_way_to_it_on_the_own_server(
    people: People, project: Project, lane: Lane
) -> None:
    Server.objects.filter(pk=lane.server.pk).update(owner=people.users["stranger"])
    Agent.objects.filter(pk=lane.agent.pk).update(owner=people.users["stranger"])
    browser = people.browser("stranger")
    page = browser.get(f"{SERVERS}{lane.server.pk}/overview/").content.decode()
    assert "Voting" in page
    assert f"/project/{project.pk}/" not in page
    assert "/admin/deployments/deployment/" not in page.split('id="ax-commands-title"')[1]
    listed = browser.get(COMMANDS).content.decode()
    assert "Voting" in listed
    assert f"/project/{project.pk}/" not in listed


def test_the_ledger_is_found_by_names_and_says_what_came_of_a_command(people: People, lane: Lane) -> None:
    browser = people.browser("owner")
    failed = lane.fail(lane.start(lane.ask()))
    for named in ("Voting", lane.server.name, ""):
        page = browser.get(COMMANDS, {"q": named}).content.decode()
        assert f'href="/admin/deployments/deployment/{failed.id}/change/"' in page
        assert f'href="{SERVERS}{lane.server.pk}/overview/"' in page
    assert "No results" in browser.get(COMMANDS, {"q": "nowhere"}).content.decode()
    command = CommandRecord.objects.filter(deployment_id=failed.id).latest("queued_at")
    page = browser.get(f"{COMMANDS}{command.pk}/change/").content.decode()
    assert "Failed</span>" in page
    assert "web:1" in page


def test_rows_of_servers_lead_to_their_pages(people: People, server: Server) -> None:
    page = people.browser("owner").get(SERVERS).content.decode()
    assert f'href="{SERVERS}{server.pk}/overview/"' in page
    # Only what narrows a list counts its results, and only a list adds rows.
    assert "Show all" not in page
    assert 'title="Add server"' in page
    assert "Show all" in people.browser("owner").get(SERVERS, {"q": server.name}).content.decode()
    assert 'title="Add server"' not in people.browser("owner").get(f"{SERVERS}add/").content.decode()


def test_the_way_to_a_deployment_is_told_by_names(people: People, lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(name="shop")
    first = Deployment.objects.get()
    page = people.browser("owner").get(f"/admin/deployments/deployment/{first.pk}/change/").content.decode()
    way = page.split('id="header-inner"')[1].split("</h1>")[0]
    words = [part.split("</a")[0].strip() for part in way.split('truncate tracking-tight">')[1:]]
    assert words == ["Projects", "shop", "v1"]


def test_where_it_succeeded_is_offered_before_where_it_was_only_tried(people: People, lane: Lane) -> None:
    other = factories.make_server(people.users["owner"], name="another")
    factories.make_agent(other)
    tried = lane.ask()
    Deployment.objects.filter(pk=tried.id).update(
        server_id=other.pk,
        status="failed",
        reason="image",
        created_at=timezone.now() + timedelta(minutes=1),
        completed_at=timezone.now(),
    )
    state = page_data.project_page(caller=caller_of(people.users["owner"]), project_id=lane.project_id)
    assert [target["name"] for target in state["targets"]] == [lane.server.name, "another"]
