"""Many people with long names around one project, and links for them."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from deployments.models import PeopleGroup, Project, ProjectInvitation, ProjectMember, User
from deployments.repositories.people import link_rows
from deployments.roles import GIVEN, Role
from deployments.services.accounts import groups, people
from deployments.services.permissions.access import caller_of
from deployments.services.sharing import group_roles
from tests import factories

LONG = "-".join(["a-name-that-has-no-place-to-break-it"] * 3)[:90]
MEMBERS = 12


def some_people(owner: User, project_id: UUID) -> dict[str, object]:
    """Members, a group, an invitation and links; what the pages' rows are called."""
    project, caller, at = Project.objects.get(pk=project_id), caller_of(owner), timezone.now()
    users = [factories.make_user(f"{LONG}-{number}", is_staff=True) for number in range(MEMBERS)]
    for number, user in enumerate(users):
        ProjectMember.objects.create(project=project, user=user, role=GIVEN[number % len(GIVEN)])
    ProjectInvitation.objects.create(project=project, name=LONG, invited_by=owner, created_at=at)
    group = PeopleGroup(name=LONG)
    groups.save_group(caller=caller, group_id=group.pk, name=LONG, user_ids=[user.pk for user in users], at=at)
    group_roles.put_group(caller=caller, project_id=project_id, name=LONG, role=Role.EDITOR, at=at)
    _, choose = people.create_password_link(caller=caller, user_id=users[0].pk, at=at)
    _, join = link_rows.add(created_by=owner.pk, at=at, project_id=project_id, role=Role.VIEWER)
    return {"group": group.pk, "choose": choose, "join": join}
