"""Links that let people in: once, for a while, and by nobody's leave but that of who may give it now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.utils import timezone

from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.models import AccessLink, Project, ProjectMember, User
from deployments.repositories.people.link_rows import LIFETIME, MAX_OPEN
from deployments.roles import Role
from deployments.services.accounts import people
from deployments.services.permissions.access import caller_of
from deployments.services.sharing import ownership, project_links
from deployments.services.upkeep import housekeeping
from deployments.types import Caller
from tests import factories

GOOD = "a-tall-oak-in-43-winds"


def link_of(project: Project, owner: User, role: Role = Role.EDITOR) -> str:
    return project_links.create_link(caller=caller_of(owner), project_id=project.id, role=role, at=timezone.now())[1]


def test_a_link_makes_one_member_once_and_is_kept_as_a_hash(project: Project, owner: User, other: User) -> None:
    text = link_of(project, owner)
    assert not any(text in str(row) for row in AccessLink.objects.values())
    project_links.use_link(caller=caller_of(other), text=text, at=timezone.now())
    assert ProjectMember.objects.get(user=other).role == "editor"
    with pytest.raises(NotFound):
        project_links.use_link(caller=caller_of(factories.make_user("third")), text=text, at=timezone.now())
    assert ProjectMember.objects.count() == 1


def test_a_link_never_takes_rights_away(project: Project, owner: User, other: User) -> None:
    factories.add_member(project, other, role="approver")
    project_links.use_link(caller=caller_of(other), text=link_of(project, owner, Role.VIEWER), at=timezone.now())
    assert ProjectMember.objects.get(user=other).role == "approver"


def test_a_link_ends_and_is_swept(project: Project, owner: User, other: User) -> None:
    text, late = link_of(project, owner), timezone.now() + LIFETIME + timedelta(seconds=1)
    with pytest.raises(NotFound):
        project_links.use_link(caller=caller_of(other), text=text, at=late)
    housekeeping.tidy(at=late)
    assert not AccessLink.objects.exists()


def test_a_link_of_who_owns_the_project_no_longer_is_none(project: Project, owner: User, other: User) -> None:
    text = link_of(project, owner)
    factories.add_member(project, other, role="viewer")
    ownership.change_owner(caller=caller_of(owner), project_id=project.id, name="other")
    with pytest.raises(NotFound):
        project_links.use_link(caller=caller_of(factories.make_user("third")), text=text, at=timezone.now())


def test_links_have_a_bound(project: Project, owner: User) -> None:
    for _ in range(MAX_OPEN):
        link_of(project, owner)
    with pytest.raises(Conflict):
        link_of(project, owner)


def test_a_person_chooses_a_password_with_the_newest_link_once(root: Caller) -> None:
    made, old = people.create_person(caller=root, name="newcomer", email="", administrator=False, at=timezone.now())
    assert made.user_id is not None
    _, new = people.create_password_link(caller=root, user_id=made.user_id, at=timezone.now())
    with pytest.raises(NotFound):
        people.choose_password(text=old, password=GOOD, at=timezone.now())
    with pytest.raises(Invalid):
        people.choose_password(text=new, password="12345", at=timezone.now())
    assert authenticate(username="newcomer", password="12345") is None
    people.choose_password(text=new, password=GOOD, at=timezone.now())
    assert authenticate(username="newcomer", password=GOOD) is not None
    with pytest.raises(NotFound):
        people.choose_password(text=new, password=f"{GOOD}-2", at=timezone.now())


def test_a_link_into_a_project_chooses_no_password_and_the_other_way_round(
    project: Project, owner: User, other: User, root: Caller
) -> None:
    into = link_of(project, owner)
    with pytest.raises(NotFound):
        people.choose_password(text=into, password=GOOD, at=timezone.now())
    _, password = people.create_password_link(caller=root, user_id=other.pk, at=timezone.now())
    with pytest.raises(NotFound):
        project_links.use_link(caller=caller_of(other), text=password, at=timezone.now())
    # Neither try has used it up.
    people.choose_password(text=password, password=GOOD, at=timezone.now())
    project_links.use_link(caller=caller_of(other), text=into, at=timezone.now())


def test_only_administrators_make_people(owner: User, other: User) -> None:
    with pytest.raises(Forbidden):
        people.create_person(caller=caller_of(owner), name="x", email="", administrator=True, at=timezone.now())
    with pytest.raises(Forbidden):
        people.create_password_link(caller=caller_of(owner), user_id=other.pk, at=timezone.now())
    assert not AccessLink.objects.exists()


def test_a_disabled_account_gets_in_by_no_link(root: Caller, other: User) -> None:
    _, text = people.create_password_link(caller=root, user_id=other.pk, at=timezone.now())
    User.objects.filter(pk=other.pk).update(is_active=False)
    with pytest.raises(NotFound):
        people.choose_password(text=text, password=GOOD, at=timezone.now())
    with pytest.raises(Conflict):
        people.create_password_link(caller=root, user_id=other.pk, at=timezone.now())
