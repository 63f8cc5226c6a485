"""Who besides the owner may see or deploy a project."""

from __future__ import annotations

from uuid import UUID

from deployments.models import ProjectMember
from deployments.types import Member


def of_project(*, project_id: UUID) -> tuple[Member, ...]:
    """Return the project's members by name."""
    rows = ProjectMember.objects.filter(project=project_id).select_related("user").order_by("user__username")
    return tuple(Member(user_id=row.user_id, name=row.user.get_username(), role=row.role) for row in rows)


def named(*, project_id: UUID, name: str) -> Member | None:
    """Return the member of this name, whether or not the account is disabled."""
    row = ProjectMember.objects.filter(project=project_id, user__username=name).select_related("user").first()
    return Member(user_id=row.user_id, name=name, role=row.role) if row else None


def put(*, project_id: UUID, user_id: UUID, role: str) -> None:
    """Add the member, or give it another role."""
    ProjectMember.objects.update_or_create(project_id=project_id, user_id=user_id, defaults={"role": role})


def remove(*, project_id: UUID, user_id: UUID) -> bool:
    """Remove the member; return False when there was none."""
    deleted, _ = ProjectMember.objects.filter(project=project_id, user=user_id).delete()
    return deleted > 0
