"""Who was asked to become a member of a project and has not answered yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from deployments.data.sharing_types import Invitation
from deployments.models import ProjectInvitation

# An answer that does not come within this time is none.
MAX_AGE = timedelta(days=14)
# Of one project; and of one person, on a page.
MAX_OPEN = 100


def put(*, project_id: UUID, name: str, role: str, invited_by: UUID, at: datetime) -> Invitation:
    """Store the invitation, or give the one that is open another role and more time."""
    said = {"role": role, "invited_by_id": invited_by, "created_at": at}
    row, _ = ProjectInvitation.objects.update_or_create(project_id=project_id, name=name, defaults=said)
    return _invitation(_rows().get(pk=row.pk))


def count(*, project_id: UUID, at: datetime) -> int:
    return _open(at=at).filter(project=project_id).count()


def of_project(*, project_id: UUID, at: datetime) -> tuple[Invitation, ...]:
    """Return the project's open invitations by name."""
    return tuple(_invitation(row) for row in _open(at=at).filter(project=project_id).order_by("name")[:MAX_OPEN])


def for_name(*, name: str, at: datetime) -> tuple[Invitation, ...]:
    """Return the open invitations of this name, newest first."""
    return tuple(_invitation(row) for row in _open(at=at).filter(name=name)[:MAX_OPEN])


def take(*, invitation_id: UUID, name: str, at: datetime) -> Invitation | None:
    """Remove the invitation of this name and return it; None when there is none (any more). Inside a transaction."""
    row = _open(at=at).select_for_update(of=("self",)).filter(pk=invitation_id, name=name).first()
    if row is None:
        return None
    taken = _invitation(row)
    row.delete()
    return taken


def remove(*, project_id: UUID, name: str) -> bool:
    """Remove the invitation; return False when there was none."""
    deleted, _ = ProjectInvitation.objects.filter(project=project_id, name=name).delete()
    return deleted > 0


def remove_old(*, at: datetime) -> int:
    """Remove those that nobody answered in time; return how many."""
    deleted, _ = ProjectInvitation.objects.filter(created_at__lte=at - MAX_AGE).delete()
    return deleted


def _rows() -> QuerySet[ProjectInvitation]:
    return ProjectInvitation.objects.select_related("project", "invited_by")


def _open(*, at: datetime) -> QuerySet[ProjectInvitation]:
    return _rows().filter(created_at__gt=at - MAX_AGE)


def _invitation(row: ProjectInvitation) -> Invitation:
    return Invitation(
        id=row.id,
        project_id=row.project_id,
        project_name=row.project.name,
        name=row.name,
        role=row.role,
        invited_by=row.invited_by.get_username(),
        created_at=row.created_at,
    )
