"""The search: what each person finds, and that nobody finds what is not theirs to see."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from agents.models import Agent, CommandRecord, EnrolmentToken, Server
from deployments.data.variable_types import PROJECT_WIDE, Place, Scope
from deployments.models import ObservedVolumes, PeopleGroup, Project, ProjectInvitation, Registry
from deployments.repositories.invitations import MAX_AGE
from deployments.scopes import Scope as TokenScope
from deployments.services.fleet import machine_list
from deployments.services.permissions import api_tokens
from deployments.services.permissions.access import caller_of
from deployments.services.projects import project_variables
from deployments.services.queries.search import MAX_FOUND
from tests import factories
from tests.doors.people import NAMES, People


@pytest.fixture(autouse=True)
def no_documentation(settings: Settings, tmp_path: Path) -> None:
    settings.DOCS_ROOT = tmp_path


def whole(people: People, who: str, text: str) -> list[dict[str, Any]]:
    answer = people.api(who).get("/api/search", {"q": text})
    assert answer.status_code == 200, answer.content
    items: list[dict[str, Any]] = answer.json()["data"]["found"]
    return items


def found(people: People, who: str, text: str) -> list[tuple[str, str]]:
    return [(each["kind"], each["id"]) for each in whole(people, who, text)]


def test_everything_is_found_by_who_may_see_it_alone(people: People, project: Project, server: Server) -> None:
    node: dict[str, Any] = {"id": "n9", "type": 1, "data": {"serviceName": "frontdoor", "config": {"image": "caddy:2"}}}
    project.graph_versions.update(graph={"nodes": [node, "no node", {"data": "none"}], "edges": []})
    deployment = factories.make_deployment(project, server, description="Raise the limit, TICKET-77")
    incident = factories.make_incident(project, server, message="The frontdoor burns.")
    mine, theirs = ("owner", "deployer", "viewer", "root"), ("stranger",)
    wanted = {
        project.name.upper(): ("project", project.pk),
        "ticket-77": ("deployment", deployment.pk),
        str(deployment.pk)[:8]: ("deployment", deployment.pk),
        f"frontdoor {project.name}": ("service", project.pk),
        "caddy": ("service", project.pk),
        "burns": ("incident", incident.pk),
    }
    for text, (kind, key) in wanted.items():
        for who in mine:
            assert (kind, str(key)) in found(people, who, text), (who, text)
        for who in theirs:
            assert found(people, who, text) == [], (who, text)


def test_what_belongs_to_somebody_is_found_as_its_page_is_seen(
    people: People, project: Project, server: Server, agent: Agent
) -> None:
    """Each by who sees its page, and it leads there; a value is never looked at."""
    secret = make_belongings(people, project=project, server=server, agent=agent)
    of_project, of_server = ("project", str(project.pk)), ("server", str(server.pk))
    members, ruling = ("owner", "approver", "editor", "deployer", "viewer", "root"), ("owner", "root")
    wanted: tuple[tuple[str, str, tuple[str, ...], tuple[str | None, str]], ...] = (
        ("database_url", "variable", members, of_project),
        (f"database {project.name}", "variable", members, of_project),
        ("shop-data", "volume", members, of_project),
        ("left-over", "volume", ruling, of_server),
        ("guest", "invitation", ruling, of_project),
        (f"owner {project.name}", "invitation", ("stranger",), (None, found_id(ProjectInvitation, name="stranger"))),
        (str(agent.pk)[:8], "agent", ruling, (None, str(agent.pk))),
        (found_id(CommandRecord)[:8], "command", ruling, (None, found_id(CommandRecord))),
        (str(project.pk)[:8], "project", members, (None, str(project.pk))),
        (str(server.pk)[:8], "server", ruling, (None, str(server.pk))),
    )
    for text, kind, who_may, leads in wanted:
        for who in (*NAMES, "root"):
            there = [(each["of"], each["id"]) for each in whole(people, who, text) if each["kind"] == kind]
            assert there == ([leads] if who in who_may else []), (text, who)
    assert not any(whole(people, who, secret) for who in (*NAMES, "root"))


def make_belongings(people: People, *, project: Project, server: Server, agent: Agent) -> str:
    """Store one of each; return the value of the variable, which is a secret."""
    factories.start_deployment(factories.make_deployment(project, server), agent)
    caller, secret = caller_of(people.users["owner"]), "hidden-word"
    factories.grant(project, server)
    for place in (PROJECT_WIDE, Place(scope=Scope.TARGET, key=str(server.pk))):
        project_variables.change_variables(
            caller=caller, project_id=project.pk, place=place, values={"DATABASE_URL": secret}, at=timezone.now()
        )
    told: dict[str, Any] = {"created": 0, "size": None, "usedBy": []}
    ObservedVolumes.objects.create(
        agent_id=agent.pk, server_id=server.pk, session_id=uuid4(), observed_at=timezone.now(),
        volumes=[
            {"name": "shop-data", "project": str(project.pk), **told},
            {"name": "left-over", "project": str(uuid4()), **told},
            {"name": "nobodys", "project": None, **told},
        ],
    )  # fmt: skip
    for name in ("stranger", "guest"):
        ProjectInvitation.objects.create(
            project=project, name=name, role="viewer", invited_by=people.users["owner"], created_at=timezone.now()
        )
    return secret


def test_what_is_muted_now_is_found_and_leads_to_what_is(people: People, project: Project, server: Server) -> None:
    soon, over = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(hours=1)
    Project.objects.filter(pk=project.pk).update(muted_until=soon)
    incident = factories.make_incident(project, server, muted_until=soon)
    factories.make_incident(project, server, cause="unhealthy", muted_until=over)
    channel = factories.make_channel(project=project, name="Night pager", muted_until=soon)
    wanted = {("project", str(project.pk)), ("incident", str(incident.pk)), ("channel", str(channel.pk))}
    for who, sees in {"owner": True, "viewer": True, "root": True, "stranger": False}.items():
        for text in ("muted", f"MUTED {project.name}"):
            there = {(each["of"], each["id"]) for each in whole(people, who, text) if each["kind"] == "mute"}
            assert there == (wanted if sees else set()), (who, text)
    assert [each["of"] for each in whole(people, "owner", "muted pager") if each["kind"] == "mute"] == ["channel"]
    Project.objects.filter(pk=project.pk).update(muted_until=over)
    assert "project" not in {each["of"] for each in whole(people, "owner", "muted") if each["kind"] == "mute"}


def test_an_enrolment_token_is_found_by_its_server_while_it_admits_an_agent(people: People, server: Server) -> None:
    caller = caller_of(people.users["owner"])
    machine_list.issue_enrolment_token(caller=caller, server_id=server.pk)
    token = EnrolmentToken.objects.get(server_id=server.pk)
    for who, sees in {"owner": True, "root": True, "stranger": False}.items():
        for text in (server.name, str(token.pk)[:8]):
            assert (("enrolment", str(token.pk)) in found(people, who, text)) is sees, (who, text)
    EnrolmentToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert ("enrolment", str(token.pk)) not in found(people, "owner", server.name)
    assert ("enrolment", str(token.pk)) in found(people, "owner", str(token.pk)[:8])


def test_pages_of_the_documentation_are_found_by_title(people: People, tmp_path: Path) -> None:
    assert found(people, "viewer", "quarantine") == []
    (tmp_path / "search").mkdir()
    index = tmp_path / "search/search_index.json"
    index.write_text("no JSON")
    assert found(people, "viewer", "quarantine") == []
    pages = [
        {"location": "jobs.html", "title": "Jobs &amp; quarantine", "text": ""},
        {"location": "jobs.html#late", "title": "Quarantine of a late run", "text": ""},
        {"location": "other.html", "title": "Other", "text": "quarantine"},
    ]
    index.write_text(json.dumps({"docs": pages}))
    os.utime(index, ns=(1, 1))
    wanted = ("kind", "title", "detail", "address")
    there = [tuple(each[name] for name in wanted) for each in whole(people, "viewer", "quarantine")]
    assert there == [
        ("documentation", "Jobs & quarantine", "", "/docs/jobs.html"),
        ("documentation", "Quarantine of a late run", "Jobs & quarantine", "/docs/jobs.html#late"),
    ]


def found_id(model: type[Any], **columns: Any) -> str:
    return str(model.objects.get(**columns).pk)


def test_old_invitations_are_not_found(people: People, project: Project) -> None:
    ProjectInvitation.objects.create(
        project=project, name="guest", invited_by=people.users["owner"], created_at=timezone.now() - MAX_AGE
    )
    assert whole(people, "owner", "guest") == []


def test_a_persons_tokens_are_found_by_name_in_their_browser_alone(people: People, project: Project) -> None:
    caller = caller_of(people.users["viewer"])
    made, text = api_tokens.create_token(caller=caller, name="Nightly report", scope=TokenScope.READ, days=1)
    for who in (*NAMES, "root"):
        answer = people.browser(who).get("/api/search", {"q": "nightly"}).json()["data"]["found"]
        assert [(each["kind"], each["id"]) for each in answer] == ([("token", str(made.id))] if who == "viewer" else [])
        assert found(people, who, "nightly") == []
    by_value = people.browser("viewer").get("/api/search", {"q": text}).json()["data"]["found"]
    assert by_value == []


def test_machines_are_found_by_their_owner_and_people_by_who_shares_a_project(
    people: People, project: Project, server: Server
) -> None:
    assert ("server", str(server.pk)) in found(people, "owner", server.name)
    assert ("server", str(server.pk)) in found(people, "root", server.name)
    assert found(people, "viewer", server.name) == found(people, "stranger", server.name) == []
    deployer = people.users["deployer"]
    person = ("person", str(deployer.pk))
    assert person in found(people, "viewer", deployer.username)
    assert person in found(people, "root", deployer.username)
    assert found(people, "stranger", deployer.username) == []


def test_channels_are_found_by_who_may_see_them(people: People, project: Project) -> None:
    channel = factories.make_channel(project=project, name="Night pager", service="ntfy")
    for who, sees in {"owner": True, "viewer": True, "stranger": False}.items():
        for text in ("night pager", f"ntfy {project.name}"):
            assert (("channel", str(channel.pk)) in found(people, who, text)) is sees, who


def test_registries_are_found_by_who_may_see_them_and_groups_by_who_keeps_them(
    people: People, project: Project
) -> None:
    group = PeopleGroup.objects.create(name="Night duty")
    at = timezone.now()
    registry = Registry.objects.create(
        project=project, name="Team images", address="images.example.org:5000", created_at=at, changed_at=at
    )
    for who, sees in (("owner", True), ("viewer", True), ("root", True), ("stranger", False)):
        assert (found(people, who, "example.org:5000") == [("registry", str(registry.pk))]) is sees, who
        assert (found(people, who, "night") == [("group", str(group.pk))]) is (who == "root"), who


def test_what_is_beyond_the_limit_is_said(people: People, project: Project) -> None:
    for number in range(MAX_FOUND + 1):
        factories.make_project(people.users["owner"], name=f"Many {number}")
    data = people.api("owner").get("/api/search?q=many").json()["data"]
    assert [each["title"] for each in data["found"]] == [f"Many {number}" for number in range(MAX_FOUND)]
    assert data["more"] == ["project"]


def test_a_percent_sign_means_itself_and_a_bad_text_is_refused(people: People, project: Project) -> None:
    assert found(people, "owner", "%%") == []
    for text in ("", "x", " x ", "x" * 101, "a b c d e f", "a\x00b"):
        answer = people.api("owner").get("/api/search", {"q": text})
        assert (answer.status_code, "q" in answer.json()["details"]) == (400, True), text
