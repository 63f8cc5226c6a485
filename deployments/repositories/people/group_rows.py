"""Groups of people, and the roles that groups have in projects."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from agents.wording.sentences import sentence
from deployments.errors import NotFound
from deployments.models import GroupPerson, PeopleGroup, Project, ProjectGroup, User
from deployments.roles import GroupRecord, GroupRole, Role

# Of one project, and of one group.
MAX_GROUPS = 100
MAX_PEOPLE = 1000


def record_of(row: PeopleGroup) -> GroupRecord:
    names = row.people.order_by("username").values_list("username", flat=True)[:MAX_PEOPLE]
    return GroupRecord(id=row.pk, name=row.name, members=tuple(names))


def all_groups() -> tuple[GroupRecord, ...]:
    return tuple(record_of(row) for row in PeopleGroup.objects.order_by("name")[:MAX_PEOPLE])


def of_person(*, user_id: UUID) -> tuple[GroupRecord, ...]:
    """Return the groups of this person by name."""
    return tuple(record_of(row) for row in PeopleGroup.objects.filter(places__user=user_id).order_by("name"))


def get(*, group_id: UUID) -> GroupRecord:
    """Return the group. Raises NotFound."""
    row = PeopleGroup.objects.filter(pk=group_id).first()
    if row is None:
        raise NotFound(sentence("No such group."))
    return record_of(row)


def named(*, name: str) -> GroupRecord | None:
    row = PeopleGroup.objects.filter(name=name).first()
    return record_of(row) if row else None


def ensure(*, group_id: UUID, name: str) -> None:
    """Store the group, or its new name, and lock its row. Raises IntegrityError when the name is taken."""
    PeopleGroup.objects.update_or_create(pk=group_id, defaults={"name": name})


def delete(*, group_id: UUID) -> None:
    PeopleGroup.objects.filter(pk=group_id).delete()


def set_people(*, group_id: UUID, user_ids: Collection[UUID]) -> None:
    """Make these the people of the group. Inside a transaction."""
    places = GroupPerson.objects.filter(group=group_id)
    places.exclude(user__in=user_ids).delete()
    rows = [GroupPerson(group_id=group_id, user_id=user_id) for user_id in user_ids]
    GroupPerson.objects.bulk_create(rows, ignore_conflicts=True)


def people_of(*, group_id: UUID) -> dict[UUID, str]:
    """Return the names of the group's people by their ids."""
    return dict(User.objects.filter(group_places__group=group_id).values_list("pk", "username"))


def projects_of(*, group_id: UUID) -> tuple[UUID, ...]:
    return tuple(ProjectGroup.objects.filter(group=group_id).order_by("pk").values_list("project_id", flat=True))


def roles_in(*, project_id: UUID) -> tuple[GroupRole, ...]:
    """Return the groups that have a role in the project, by name."""
    rows = ProjectGroup.objects.filter(project=project_id).select_related("group").order_by("group__name")
    return tuple(GroupRole(group=record_of(row.group), role=_role(row.role)) for row in rows[:MAX_GROUPS])


def count_in(*, project_id: UUID) -> int:
    return ProjectGroup.objects.filter(project=project_id).count()


def role_in(*, project_id: UUID, group_id: UUID) -> Role | None:
    found = ProjectGroup.objects.filter(project=project_id, group=group_id).values_list("role", flat=True).first()
    return _role(found) if found else None


def put_role(*, project_id: UUID, group_id: UUID, role: Role) -> None:
    """Give the group the role, or another one."""
    ProjectGroup.objects.update_or_create(project_id=project_id, group_id=group_id, defaults={"role": role.value})


def remove_role(*, project_id: UUID, group_id: UUID) -> bool:
    """Take the group's role; return False when it had none."""
    deleted, _ = ProjectGroup.objects.filter(project=project_id, group=group_id).delete()
    return deleted > 0


def people_in(project_ids: QuerySet[Project, Any]) -> QuerySet[GroupPerson, Any]:
    """Return the ids of people whom a group brings into these projects, as a subquery."""
    places = GroupPerson.objects.filter(group__project_roles__project__in=project_ids)
    return places.order_by().values_list("user", flat=True)


def _role(value: str) -> Role:
    return Role(value) if value in set(Role) else Role.VIEWER
