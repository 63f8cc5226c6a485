"""People become members without having been asked, and names are tried out to learn who has an account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from deployments.models import Project, ProjectInvitation, ProjectMember, TargetGrant
from deployments.repositories.invitations import MAX_AGE, MAX_OPEN
from deployments.services.permissions.access import caller_of
from deployments.services.sharing import server_grants
from deployments.services.upkeep import housekeeping
from tests import factories
from tests.doors.people import People

NOW_HERE = "a name that nobody has"


@pytest.fixture
def members(project: Project) -> str:
    """Of the owner's project, which has a deployer and a viewer."""
    return f"/api/projects/{project.id}/members"


def invite(people: People, members: str, name: str, role: str = "deployer") -> Any:
    return people.api("owner").put(f"{members}/{name}", {"role": role}, format="json")


def asked(people: People, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = people.api(name).get("/api/invitations").json()["data"]["invitations"]
    return found


def test_nobody_is_added_without_saying_yes(people: People, members: str) -> None:
    assert invite(people, members, "root").status_code == 200
    assert not ProjectMember.objects.filter(user=people.users["root"]).exists()
    assert people.api("stranger").get(members).status_code == 404
    [asked_root] = asked(people, "root")
    assert people.api("root").delete(f"/api/invitations/{asked_root['id']}").status_code == 204
    assert asked(people, "root") == []
    assert people.api("root").post(f"/api/invitations/{asked_root['id']}/accept").status_code == 404


def test_names_cannot_be_tried_out(people: People, members: str) -> None:
    answers: dict[str, tuple[Any, ...]] = {}
    for name in ("stranger", NOW_HERE):
        answer = invite(people, members, name)
        answers[name] = (answer.status_code, str(answer.json()).replace(name, "NAME"))
        listed = people.api("owner").get(members).json()["data"]["members"]
        answers[name] += (str([each for each in listed if each["name"] == name]).replace(name, "NAME"),)
        answers[name] += (people.api("owner").delete(f"{members}/{name}").status_code,)
    assert answers["stranger"] == answers[NOW_HERE]


def test_a_disabled_account_looks_like_none(people: People, members: str) -> None:
    people.users["stranger"].is_active = False
    people.users["stranger"].save()
    assert invite(people, members, "stranger").status_code == 200


def test_an_invitation_is_for_one_person_alone(people: People, members: str) -> None:
    invite(people, members, "stranger")
    [found] = asked(people, "stranger")
    for name in ("viewer", "deployer", "owner", "root"):
        assert people.api(name).post(f"/api/invitations/{found['id']}/accept").status_code == 404
        assert people.api(name).delete(f"/api/invitations/{found['id']}").status_code == 404
        assert found not in asked(people, name)
    assert people.api("stranger").post(f"/api/invitations/{found['id']}/accept").status_code == 200
    assert people.api("stranger").post(f"/api/invitations/{found['id']}/accept").status_code == 404
    assert ProjectMember.objects.get(user=people.users["stranger"]).role == "deployer"


def test_one_that_was_taken_back_or_is_old_is_none(people: People, members: str) -> None:
    invite(people, members, "stranger")
    [found] = asked(people, "stranger")
    people.api("owner").delete(f"{members}/stranger")
    assert people.api("stranger").post(f"/api/invitations/{found['id']}/accept").status_code == 404
    invite(people, members, "stranger")
    [found] = asked(people, "stranger")
    row = ProjectInvitation.objects.get()
    ProjectInvitation.objects.update(created_at=row.created_at - MAX_AGE - timedelta(seconds=1))
    assert asked(people, "stranger") == []
    assert people.api("stranger").post(f"/api/invitations/{found['id']}/accept").status_code == 404
    housekeeping.tidy(at=row.created_at + timedelta(seconds=1))
    assert not ProjectInvitation.objects.exists()


def test_invitations_have_a_bound(people: People, project: Project, members: str) -> None:
    rows = [
        ProjectInvitation(project=project, name=f"n{number}", invited_by=project.owner, created_at=factories.NOW)
        for number in range(MAX_OPEN)
    ]
    ProjectInvitation.objects.bulk_create(rows)
    assert invite(people, members, "one-more").status_code == 409


def test_another_projects_invitations_are_its_own(people: People, project: Project, members: str) -> None:
    other = factories.make_project(project.owner, name="Other")
    theirs = f"/api/projects/{other.id}/members"
    rows = [
        ProjectInvitation(project=other, name=f"n{number}", invited_by=project.owner, created_at=factories.NOW)
        for number in range(MAX_OPEN - 1)
    ]
    ProjectInvitation.objects.bulk_create(rows)
    invite(people, theirs, "stranger")
    assert invite(people, members, "stranger").status_code == 200
    listed = people.api("owner").get(members).json()["data"]["members"]
    assert not [each for each in listed if each["name"] == "n1"]
    assert people.api("owner").delete(f"{members}/stranger").status_code == 204
    assert people.api("owner").delete(f"{members}/stranger").status_code == 404
    assert [each["projectName"] for each in asked(people, "stranger")] == ["Other"]
    assert ProjectInvitation.objects.filter(project=other).count() == MAX_OPEN


def test_of_two_invitations_the_one_that_was_meant_is_taken(people: People, project: Project, members: str) -> None:
    other = factories.make_project(project.owner, name="Other")
    invite(people, members, "stranger")
    invite(people, f"/api/projects/{other.id}/members", "stranger")
    found = {each["projectName"]: each["id"] for each in asked(people, "stranger")}
    for name, left in (("Other", [project.name]), (project.name, [])):
        assert people.api("stranger").post(f"/api/invitations/{found[name]}/accept").status_code == 200
        assert [each["projectName"] for each in asked(people, "stranger")] == left


@pytest.mark.parametrize(
    ("name", "status"),
    [("x" * 150, 200), ("x" * 151, 400), ("a\x07", 400), ("owner", 400)],
    ids=lambda each: str(each)[:5],
)
def test_only_what_may_be_a_name_is_invited(people: People, members: str, name: str, status: int) -> None:
    assert invite(people, members, quote(name)).status_code == status
    assert ProjectInvitation.objects.count() == (status == 200)


def test_who_may_only_look_loses_what_they_gave_and_no_more(people: People, project: Project, members: str) -> None:
    """A member's role changes at once, without an invitation."""
    server = factories.make_server(people.users["deployer"], name="theirs")
    where: dict[str, Any] = {"project_id": project.id, "server_id": server.id, "at": factories.NOW}
    server_grants.allow(caller=caller_of(people.users["deployer"]), **where)
    assert invite(people, members, "deployer", "deployer").status_code == 200
    assert TargetGrant.objects.get().ended_at is None
    assert invite(people, members, "deployer", "viewer").status_code == 200
    assert project.members.get(user=people.users["deployer"]).role == "viewer"
    assert TargetGrant.objects.get().ended_because == "deployer may only look now."
    assert not ProjectInvitation.objects.exists()


def test_staff_cannot_search_users_neither_by_name_nor_by_mail(people: People) -> None:
    people.users["root"].email = "ops@corp.example"
    people.users["root"].save()
    browser: Client = people.browser("stranger")
    where = {"app_label": "deployments", "model_name": "projectmember", "field_name": "user"}
    for term in ("root", "ops@corp", ""):
        answer = browser.get("/admin/autocomplete/", {"term": term, **where})
        assert answer.status_code == 403
        # The page leads back to what was asked, so the question itself stands in it once.
        assert b"root" not in answer.content.replace(b"term%3Droot", b"")


def test_the_page_invites_and_removes_as_rest_does(people: People, project: Project) -> None:
    page = f"/admin/deployments/project/{project.id}/people/"
    browser = people.browser("owner")
    before = project.members.count()
    browser.post(page, {"do": "member", "name": "stranger", "role": "viewer"})
    assert ProjectInvitation.objects.get().name == "stranger"
    assert project.members.count() == before
    browser.post(page, {"do": "remove", "name": "deployer"})
    assert not project.members.filter(user=people.users["deployer"]).exists()
    # Whoever may edit the project cannot do the same.
    people.browser("editor").post(page, {"do": "remove", "name": "viewer"})
    assert project.members.filter(user=people.users["viewer"]).exists()
