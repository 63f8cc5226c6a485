"""A thousand servers: lists and pages ask as often as with a few, are narrowed, and labels are chosen on pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent, Server
from deployments.admin import page_data
from deployments.admin.machine_data import MAX_MACHINES
from deployments.models import Project
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.doors.people import People

SERVERS = "/admin/agents/server/"
MANY = 40


def add(people: People, project: Project, *, first: int, number: int) -> None:
    """Servers of the owner with agents of two versions, all of them allowed; and as many of a deployer."""
    for owner in ("owner", "deployer"):
        for place in range(first, first + number):
            server = factories.make_server(people.users[owner], name=f"{owner}-{place}")
            agent = factories.make_agent(server)
            Agent.objects.filter(pk=agent.pk).update(version=f"0.{place % 2}")
            Server.objects.filter(pk=server.pk).update(labels=[f"number={owner}-{place}", f"kind={place % 3}"])
            factories.grant(project, server)


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("agents", *words)
    assert ended.value.code == 0


def pages(people: People, project: Project) -> dict[str, Callable[[], Any]]:
    browser, api = people.browser("owner"), people.api("owner")
    of = f"/admin/deployments/project/{project.id}"
    return {
        "servers": lambda: browser.get(SERVERS),
        "servers narrowed": lambda: browser.get(f"{SERVERS}?presence=online&version=0.1&label=kind%3D1&q=owner"),
        "agents": lambda: browser.get("/admin/agents/agent/"),
        "updates": lambda: browser.get(f"{SERVERS}updates/"),
        "first page": lambda: browser.get("/admin/"),
        "project": lambda: browser.get(f"{of}/change/"),
        "servers of the project": lambda: browser.get(f"{of}/targets/"),
        "listServers": lambda: api.get("/api/servers"),
        "search": lambda: api.get("/api/search?q=owner-1"),
    }


@pytest.mark.django_db
def test_pages_and_lists_ask_as_often_with_many_servers_as_with_a_few(people: People, project: Project) -> None:
    add(people, project, first=0, number=3)
    few = asked(people, project)
    add(people, project, first=3, number=MANY)
    many = asked(people, project)
    assert many == few
    state = page_data.dashboard(caller=caller_of(people.users["owner"]))
    assert (len(state["targets"]), state["moreTargets"]) == (MAX_MACHINES, MANY + 3 - MAX_MACHINES)
    assert state["servers"] == {"total": MANY + 3, "online": MANY + 3}


def asked(people: People, project: Project) -> dict[str, int]:
    counted = {}
    for name, get in pages(people, project).items():
        # What a process asks once is no part of it.
        get()
        with CaptureQueriesContext(connection) as caught:
            assert get().status_code == 200, name
        counted[name] = len(caught)
    return counted


@pytest.mark.django_db
def test_a_list_is_narrowed_by_label_presence_version_and_text(
    people: People, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    add(people, project, first=0, number=4)
    away = Server.objects.get(name="owner-3")
    Agent.objects.filter(server_id=away.pk).update(last_seen_at=datetime.now(UTC) - timedelta(days=1))
    Server.objects.filter(name="owner-2").update(drained_at=datetime.now(UTC))

    def named(query: str) -> list[str]:
        return [each["name"] for each in people.api("owner").get(f"/api/servers?{query}").json()["data"]["servers"]]

    assert named("label=kind%3D0") == ["owner-0", "owner-3"]
    assert named("label=number%3Ddeployer-0") == []
    assert named("presence=lost") == ["owner-3"]
    assert named("presence=online&version=0.0") == ["owner-0", "owner-2"]
    assert named("drained=true") == ["owner-2"]
    assert named("q=NER-1") == ["owner-1"]
    assert people.api("owner").get("/api/servers?presence=there").status_code == 400
    listed = people.browser("owner").get(f"{SERVERS}?label=kind%3D0").content.decode()
    assert ("owner-0" in listed, "owner-1<" in listed) == (True, False)
    run("list", "--user", "owner", "--label", "kind=1", "--presence", "online", "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["name"], each["version"]) for each in told if "name" in each] == [("owner-1", "0.1")]


@pytest.mark.django_db
def test_what_narrows_a_list_looks_at_all_servers_not_at_a_page(
    people: People, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that match are the last of many by name, and the first page has room for fifty."""
    owner = people.users["owner"]
    servers = Server.objects.bulk_create(Server(owner=owner, name=f"a-{place:04}") for place in range(120))
    last = factories.make_server(owner, name="zz-last")
    now = timezone.now()
    Agent.objects.bulk_create(
        Agent(
            server_id=each.pk,
            owner=owner,
            version="0.1",
            credential_hash=each.name,
            enrolled_at=now,
            last_seen_at=now + timedelta(hours=1),
        )
        for each in servers
    )
    Agent.objects.filter(pk=factories.make_agent(last).pk).update(version="0.9", last_seen_at=now - timedelta(days=1))
    Server.objects.filter(pk=last.pk).update(labels=["role=last"])
    browser, api = people.browser("owner"), people.api("owner")
    for query in ("label=role%3Dlast", "version=0.9", "presence=away", "q=zz-last"):
        listed = browser.get(f"{SERVERS}?{query}").content.decode()
        assert ("zz-last" in listed, "a-00" in listed) == (True, False), query
    offered = browser.get(SERVERS).content.decode()
    assert "zz-last" not in offered.split("result_list")[1].split("</table>")[0]
    for choice in ("label=role%3Dlast", "version=0.9"):
        assert choice in offered
    for query in ("label=role%3Dlast", "version=0.9", "presence=lost", "q=zz-last"):
        found = api.get(f"/api/servers?{query}").json()["data"]["servers"]
        assert [each["name"] for each in found] == ["zz-last"], query
    found = api.get("/api/search?q=zz-last").json()
    assert str(last.pk) in json.dumps(found)
    for words in (("--label", "role=last"), ("--version", "0.9"), ("--presence", "lost")):
        run("list", "--user", "owner", *words, "--json")
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [each["name"] for each in told if "name" in each] == ["zz-last"], words


@pytest.mark.django_db
def test_labels_are_given_on_the_page_and_in_the_terminal_and_chosen_to_deploy(
    people: People, project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    browser, page = people.browser("owner"), f"{SERVERS}{server.pk}/overview/"
    factories.make_agent(server)
    factories.grant(project, server)
    assert b"region=eu, disk" not in browser.get(page).content
    said = browser.post(page, {"do": "labels", "labels": "region=eu, disk=fast"}, follow=True).content.decode()
    assert 'value="disk=fast region=eu"' in said
    assert "is no label" in browser.post(page, {"do": "labels", "labels": "<b>"}, follow=True).content.decode()
    assert people.browser("stranger").post(page, {"do": "labels", "labels": "x"}).status_code == 404
    run("label", server.name, "tier=web", "--remove", "disk=fast", "--user", "owner")
    assert capsys.readouterr().out.split() == ["region=eu", "tier=web"]
    assert Server.objects.get(pk=server.pk).labels == ["region=eu", "tier=web"]
    # A label that two servers have is not offered: nobody could say where it goes.
    other = factories.make_server(people.users["owner"], name="server-2")
    Server.objects.filter(pk=other.pk).update(labels=["tier=web"])
    said = browser.get(f"/admin/deployments/project/{project.id}/change/").content.decode()
    assert '<option value="label:region=eu">region=eu (now server-1)' in said
    assert "label:tier=web" not in said
    of = f"/admin/deployments/project/{project.id}"
    for label, words in (("region=eu", "is drained"), ("nowhere", "No server with the label nowhere")):
        Server.objects.filter(pk=server.pk).update(drained_at=None)
        planned = browser.post(f"{of}/plan/", {"target": f"label:{label}", "requestId": str(uuid4())})
        assert (words in planned.content.decode()) == (label == "nowhere"), planned.content
