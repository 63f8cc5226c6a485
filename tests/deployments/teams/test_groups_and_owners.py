"""Roles by group, the owner's change, and the end of a person."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import Settings

from agents.models import Server
from deployments.errors import Conflict, Forbidden, Invalid, NotFound, TooMuch
from deployments.models import AuditEntry, Project, ProjectMember, TargetGrant, User
from deployments.repositories import projects
from deployments.roles import Role
from deployments.services.accounts import groups
from deployments.services.ends import person_deletion
from deployments.services.permissions import access, server_rights
from deployments.services.permissions.access import caller_of
from deployments.services.sharing import group_roles, membership, ownership, server_grants
from deployments.types import Caller, Right
from tests import factories


def may(user: User, project: Project) -> set[Right]:
    try:
        access.project_for(caller=caller_of(user), project_id=project.id, right=Right.SEE)
    except NotFound:
        return set()
    return {right for right in Right if access.may(caller=caller_of(user), project_id=project.id, right=right)}


def granted(project: Project, server: Server) -> bool:
    return server_rights.is_granted(project=projects.get(project_id=project.id), server_id=server.id)


def test_a_group_gives_its_people_its_role_and_takes_it(
    project: Project, owner: User, other: User, root: Caller
) -> None:
    group = factories.add_group(project, other, role="editor")
    assert may(other, project) == {Right.SEE, Right.DEPLOY, Right.CHANGE}
    server = factories.make_server(other)
    factories.grant(project, server)
    assert granted(project, server)
    groups.save_group(caller=root, group_id=group.pk, name="crew", user_ids=[], at=timezone.now())
    assert may(other, project) == set()
    assert not granted(project, server)
    # Who comes back has to offer the server again.
    groups.save_group(caller=root, group_id=group.pk, name="crew", user_ids=[other.pk], at=timezone.now())
    assert may(other, project)
    assert not granted(project, server)


def test_the_greater_of_two_roles_counts_and_stays_when_the_other_goes(
    project: Project, owner: User, other: User
) -> None:
    factories.add_group(project, other, role="viewer")
    factories.add_member(project, other, role="deployer")
    server = factories.make_server(other)
    factories.grant(project, server)
    group_roles.remove_group(caller=caller_of(owner), project_id=project.id, name="crew", at=timezone.now())
    assert may(other, project) == {Right.SEE, Right.DEPLOY}
    assert granted(project, server)
    membership.leave_project(caller=caller_of(other), project_id=project.id, at=timezone.now())
    assert may(other, project) == set()
    assert not granted(project, server)


def test_an_owner_gives_roles_to_groups_of_their_own_alone(project: Project, owner: User, other: User) -> None:
    elsewhere = factories.add_group(
        factories.make_project(other, name="elsewhere"), other, role="viewer", name="theirs"
    )
    give = {"caller": caller_of(owner), "project_id": project.id, "role": Role.DEPLOYER, "at": timezone.now()}
    for name in ("theirs", "nobody has it"):
        with pytest.raises(NotFound, match="No such group"):
            group_roles.put_group(name=name, **give)  # type: ignore[arg-type]  # one mapping for all
    elsewhere.places.create(user=owner)
    group_roles.put_group(name="theirs", **give)  # type: ignore[arg-type]  # one mapping for all
    assert Right.DEPLOY in may(other, project)


def test_an_approver_allows_a_server_while_they_are_one(project: Project, owner: User, other: User) -> None:
    helper = factories.make_user("helper", is_staff=True)
    factories.add_member(project, other, role="deployer")
    factories.add_member(project, helper, role="editor")
    server = factories.make_server(other)
    allow = {"project_id": project.id, "server_id": server.id, "at": timezone.now()}
    server_grants.allow(caller=caller_of(other), **allow)  # type: ignore[arg-type]  # one mapping for all
    with pytest.raises(Forbidden):
        server_grants.allow(caller=caller_of(helper), **allow)  # type: ignore[arg-type]  # one mapping for all
    ProjectMember.objects.filter(user=helper).update(role="approver")
    server_grants.allow(caller=caller_of(helper), **allow)  # type: ignore[arg-type]  # one mapping for all
    assert granted(project, server)
    ProjectMember.objects.filter(user=helper).update(role="editor")
    assert not granted(project, server)


def test_a_member_becomes_the_owner_and_servers_stay_allowed(project: Project, owner: User, other: User) -> None:
    server = factories.make_server(owner)
    factories.grant(project, server)
    factories.add_member(project, other, role="viewer")
    ownership.change_owner(caller=caller_of(owner), project_id=project.id, name="other")
    assert may(other, project) == set(Right)
    assert may(owner, project) == set(Right) - {Right.MANAGE}
    assert granted(project, server)
    assert not ProjectMember.objects.filter(user=other).exists()
    with pytest.raises(Forbidden):
        ownership.change_owner(caller=caller_of(owner), project_id=project.id, name="owner")


def test_nobody_becomes_an_owner_who_did_not_join_or_has_no_room(
    project: Project, owner: User, other: User, settings: Settings
) -> None:
    change = {"caller": caller_of(owner), "project_id": project.id, "name": "other"}
    with pytest.raises(NotFound):
        ownership.change_owner(**change)  # type: ignore[arg-type]  # one mapping for all
    factories.add_member(project, other, role="viewer")
    factories.make_project(other, name=project.name)
    with pytest.raises(Conflict):
        ownership.change_owner(**change)  # type: ignore[arg-type]  # one mapping for all
    settings.AXION_MAX_PROJECTS = 1
    with pytest.raises(TooMuch):
        ownership.change_owner(**change)  # type: ignore[arg-type]  # one mapping for all
    assert Project.objects.get(pk=project.pk).owner_id == owner.pk


def test_a_person_ends_and_what_they_own_goes_on(project: Project, owner: User, other: User, root: Caller) -> None:
    server = factories.make_server(owner)
    agent = factories.make_agent(server)
    factories.grant(project, server)
    end = {"caller": root, "user_id": owner.pk, "at": timezone.now()}
    with pytest.raises(Invalid):
        person_deletion.delete_person(typed_name="own", heir="other", **end)  # type: ignore[arg-type]
    for heir in ("", "owner", "nobody"):
        with pytest.raises(Invalid):
            person_deletion.delete_person(typed_name="owner", heir=heir, **end)  # type: ignore[arg-type]
    assert User.objects.get(pk=owner.pk).is_active
    person_deletion.delete_person(typed_name="owner", heir="other", **end)  # type: ignore[arg-type]
    agent.refresh_from_db()
    assert agent.owner_id == other.pk
    assert Server.objects.get(pk=server.pk).owner_id == other.pk
    assert may(other, project) == set(Right)
    assert granted(project, server)
    gone = User.objects.get(pk=owner.pk)
    assert (gone.username, gone.email, gone.is_active, gone.has_usable_password()) == ("owner", "", False, False)
    assert AuditEntry.objects.filter(action="person_deleted", detail="owner, all to other").exists()


def test_an_heir_with_a_project_of_the_same_name_is_refused_and_nothing_changes(
    project: Project, owner: User, other: User, root: Caller
) -> None:
    factories.make_server(owner)
    factories.make_project(other, name=project.name)
    with pytest.raises(Conflict):
        person_deletion.delete_person(
            caller=root, user_id=owner.pk, typed_name="owner", heir="other", at=timezone.now()
        )
    assert User.objects.get(pk=owner.pk).is_active
    assert Server.objects.get().owner_id == owner.pk
    assert not TargetGrant.objects.exists()


def test_nobody_but_an_administrator_deletes_people_and_never_themselves(owner: User, root: Caller) -> None:
    for caller in (caller_of(owner), root):
        with pytest.raises(Forbidden if caller is not root else Conflict):
            person_deletion.delete_person(
                caller=caller, user_id=root.user_id, typed_name="root", heir="", at=timezone.now()
            )
