"""A project's right to a server, as both sides gave and ended it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from deployments.data.sharing_types import Grant, Half
from deployments.models import TargetGrant

# Of one server or project; more agreements than these are shown nowhere.
MAX_LISTED = 500
OPEN_FIRST = F("ended_at").desc(nulls_first=True)


class Side(StrEnum):
    """Whose half of a grant."""

    PROJECT = "project"
    SERVER = "server"


def newest(*, project_id: UUID, server_id: UUID) -> Grant | None:
    """Return the grant that nobody has ended, whole or half, or else the one that was ended last."""
    row = _rows().filter(project=project_id, server_id=server_id).order_by(OPEN_FIRST).first()
    return _grant(row) if row else None


def give(*, project_id: UUID, server_id: UUID, sides: Collection[Side], by: UUID, at: datetime) -> None:
    """Add these halves to the open grant, made where there is none. Inside a transaction that holds the lane's lock."""
    if not sides:
        return
    halves: dict[str, Any] = {}
    for side in sides:
        halves |= {f"{side}_side_by_id": by, f"{side}_side_at": at}
    if not _open(project_id=project_id, server_id=server_id).update(**halves):
        TargetGrant.objects.create(project_id=project_id, server_id=server_id, created_at=at, **halves)


def end(*, project_id: UUID, server_id: UUID, by: UUID, because: str, at: datetime) -> None:
    """End the open grant; where there is none, note that it was ended all the same, so that nothing lives on unseen.

    Inside a transaction that holds the lane's lock.
    """
    ending = {"ended_at": at, "ended_by_id": by, "ended_because": because}
    if not _open(project_id=project_id, server_id=server_id).update(**ending):
        TargetGrant.objects.create(project_id=project_id, server_id=server_id, created_at=at, **ending)


def ended_since(*, project_id: UUID, server_id: UUID, moment: datetime) -> bool:
    """Return whether somebody ended the project's right to the server after this moment."""
    return TargetGrant.objects.filter(project=project_id, server_id=server_id, ended_at__gte=moment).exists()


def given_by(*, project_id: UUID, user_id: UUID) -> tuple[Grant, ...]:
    """Return open grants of the project of which this person gave a half."""
    gave = Q(project_side_by=user_id) | Q(server_side_by=user_id)
    return tuple(_grant(row) for row in _rows().filter(gave, project=project_id, ended_at__isnull=True))


def open_of_project(*, project_id: UUID) -> tuple[Grant, ...]:
    rows = _rows().filter(project=project_id, ended_at__isnull=True)
    return tuple(_grant(row) for row in rows.order_by("created_at", "id")[:MAX_LISTED])


def newest_of_server(*, server_id: UUID) -> tuple[Grant, ...]:
    """Return each project's open grant, or else the one that was ended last."""
    newest_by_project: dict[UUID, Grant] = {}
    for row in _rows().filter(server_id=server_id).order_by(OPEN_FIRST)[:MAX_LISTED]:
        newest_by_project.setdefault(row.project_id, _grant(row))
    return tuple(newest_by_project.values())


def _open(*, project_id: UUID, server_id: UUID) -> QuerySet[TargetGrant]:
    return TargetGrant.objects.filter(project=project_id, server_id=server_id, ended_at__isnull=True)


def _rows() -> QuerySet[TargetGrant]:
    return TargetGrant.objects.select_related("project_side_by", "server_side_by", "ended_by")


def _grant(row: TargetGrant) -> Grant:
    return Grant(
        id=row.id,
        project_id=row.project_id,
        server_id=row.server_id,
        project_half=_half(row.project_side_by, row.project_side_at),
        server_half=_half(row.server_side_by, row.server_side_at),
        created_at=row.created_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by.get_username() if row.ended_by else "",
        ended_because=row.ended_because,
    )


def _half(user: Any, at: datetime | None) -> Half | None:
    if user is None or at is None:
        return None
    return Half(
        by_id=user.pk,
        by=user.get_username(),
        at=at,
        is_active=user.is_active,
        is_superuser=user.is_superuser,
    )
