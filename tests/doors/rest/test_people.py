"""People and groups over REST and from a terminal: only administrators, and what they do holds at once."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from deployments.models import AuditEntry, PeopleGroup, Project, User
from tests.doors.people import People
from tests.passwords import quick_passwords  # noqa: F401 - a fixture

PASSWORD = "a-tall-oak-in-43-winds"


def added(root: APIClient, **body: Any) -> dict[str, Any]:
    answer = root.post("/api/people", {"name": "newcomer", **body}, format="json")
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["data"])


def test_a_person_from_the_link_to_disabled_and_deleted(people: People, project: Project) -> None:
    root = people.api("root")
    made = added(root, email="new@example.org")
    person = f"/api/people/{made['person']['id']}"
    # With the link alone they choose a password and are in.
    browser = Client()
    path = urlsplit(made["link"]["address"]).path
    assert browser.post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 302
    assert browser.login(username="newcomer", password=PASSWORD)
    assert browser.get("/api/people").status_code == 403
    mine = browser.get(person).json()["data"]["person"]
    assert (mine["name"], mine["email"], mine["active"]) == ("newcomer", "new@example.org", True)
    assert browser.patch(person, {"administrator": True}, content_type="application/json").status_code == 403

    assert root.patch(person, {"active": False}, format="json").json()["data"]["person"]["active"] is False
    assert browser.get(person).status_code in (401, 403)
    assert root.post(f"{person}/password-link", {}, format="json").status_code == 409
    assert AuditEntry.objects.filter(action="person_changed", detail="newcomer: is_active no").count() == 1

    User.objects.filter(username="newcomer").update(is_active=True)
    Project.objects.filter(pk=project.pk).update(owner=User.objects.get(username="newcomer"))
    assert root.get(f"{person}/deletion").json()["data"]["owned"]["projects"] == [project.name]
    for body, field in (({"name": "newcome"}, "name"), ({"name": "newcomer"}, "heir")):
        refused = root.post(f"{person}/deletion", body, format="json")
        assert (refused.status_code, list(refused.json()["details"])) == (400, [field])
    assert root.post(f"{person}/deletion", {"name": "newcomer", "heir": "editor"}, format="json").status_code == 204
    assert Project.objects.get(pk=project.pk).owner == people.users["editor"]
    assert root.get(person).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "two words"}, 400, "username"),
        ({"name": "owner"}, 409, "username"),
        ({"name": "newcomer", "email": "nobody"}, 400, "email"),
        ({}, 400, "name"),
    ],
)
def test_who_cannot_be_added_is_said_by_the_field(
    people: People, body: dict[str, Any], status: int, field: str
) -> None:
    answer = people.api("root").post("/api/people", body, format="json")
    assert (answer.status_code, list(answer.json()["details"])) == (status, [field])
    assert not User.objects.filter(username="newcomer").exists()


def test_nobody_takes_their_own_access_away(people: People) -> None:
    root = people.users["root"]
    for body in ({"active": False}, {"administrator": False}):
        assert people.api("root").patch(f"/api/people/{root.pk}", body, format="json").status_code == 409
    assert people.api("root").patch(f"/api/people/{uuid4()}", {"active": True}, format="json").status_code == 404


def test_groups_are_made_changed_and_deleted_by_names(people: People, project: Project) -> None:
    root = people.api("root")
    made = root.post("/api/groups", {"name": "night", "people": ["viewer", "editor"]}, format="json")
    assert made.status_code == 201
    group = made.json()["data"]["group"]
    assert group["people"] == ["editor", "viewer"]
    address = f"/api/groups/{group['id']}"
    wrong = root.put(address, {"name": "night", "people": ["viewer", "nobody-here"]}, format="json")
    assert (wrong.status_code, wrong.json()["details"]) == (400, {"people": "unknown"})
    assert root.put(address, {"name": "crew", "people": []}, format="json").status_code == 409
    assert (
        root.put(address, {"name": "day", "people": ["viewer"]}, format="json").json()["data"]["group"]["name"] == "day"
    )
    assert root.get("/api/groups").json()["data"]["groups"][-1]["people"] == ["viewer"]
    assert root.delete(address).status_code == 204
    assert root.get(address).status_code == 404
    assert PeopleGroup.objects.filter(name="crew").exists()


def run(capsys: pytest.CaptureFixture[str], *words: str, user: str = "root") -> tuple[int, list[dict[str, Any]]]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        call_command(*words, "--user", user, "--json")
    return int(ended.value.code or 0), [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_from_a_terminal(people: People, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "people", "add", "newcomer", "--email", "new@example.org")
    assert (code, "/admin/password/" in said[0]["address"]) == (0, True)
    assert run(capsys, "people", "change", "newcomer", "--no-active")[1][0]["active"] is False
    assert [each["name"] for each in run(capsys, "people", "list")[1][:-1]] == sorted([*people.users, "newcomer"])
    assert run(capsys, "people", "link", "newcomer")[0] != 0
    assert run(capsys, "people", "group", "night", "--people", "viewer")[1][0]["people"] == ["viewer"]
    assert run(capsys, "people", "group", "night", "--delete")[0] == 0
    assert run(capsys, "people", "delete", "owner")[1][0] == {"kind": "owned", "what": "project", "name": project.name}
    assert run(capsys, "people", "delete", "newcomer", "--confirm", "newcomer")[0] == 0
    assert User.objects.get(username="newcomer").deleted_at is not None
    for words in (("list",), ("add", "another"), ("group",)):
        code, said = run(capsys, "people", *words, user="owner")
        assert code != 0
        assert said[0]["kind"] == "error"


def test_a_server_is_deleted_from_a_terminal(people: People, server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "agents", "delete", server.name, user="owner")
    assert (code, [each["end"] for each in said[:-1]]) == (0, ["drain", "uninstall", "forget"])
    words = ("agents", "delete", server.name, "--end", "forget", "--confirm")
    assert run(capsys, *words, "another", user="owner")[0] != 0
    assert run(capsys, *words, server.name, user="owner")[1][0]["state"] == "deleted"
    assert run(capsys, "agents", "delete", str(server.pk), user="owner")[1][0]["state"] == "deleted"
    assert run(capsys, "agents", "delete", str(server.pk), user="editor")[0] != 0
