"""The search: what each person finds, and that nobody finds what is not theirs to see."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from agents.models import Server
from deployments.models import PeopleGroup, Project, Registry
from deployments.services.queries.search import MAX_FOUND
from tests import factories
from tests.doors.people import People


def found(people: People, who: str, text: str) -> list[tuple[str, str]]:
    answer = people.api(who).get("/api/search", {"q": text})
    assert answer.status_code == 200, answer.content
    return [(each["kind"], each["id"]) for each in answer.json()["data"]["found"]]


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
