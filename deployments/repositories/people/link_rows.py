"""Links that let people in, known by their hash alone: each is good once, until it ends."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import QuerySet

from deployments.data.sharing_types import LinkRecord
from deployments.models import AccessLink

LIFETIME = timedelta(days=3)
# Of one project at a time.
MAX_OPEN = 50
# Longer than any that was ever given out.
MAX_LENGTH = 100
BYTES = 32


def add(
    *, created_by: UUID, at: datetime, user_id: UUID | None = None, project_id: UUID | None = None, role: str = ""
) -> tuple[LinkRecord, str]:
    """Store a link for a person, in place of any other of theirs, or into a project. The text is in the answer alone.

    Inside a transaction.
    """
    if user_id is not None:
        AccessLink.objects.filter(user=user_id).delete()
    text = secrets.token_urlsafe(BYTES)
    row = AccessLink.objects.create(
        pk=uuid4(),
        token_hash=_hash(text),
        user_id=user_id,
        project_id=project_id,
        role=role,
        created_by_id=created_by,
        created_at=at,
        expires_at=at + LIFETIME,
    )
    return _record(_rows().get(pk=row.pk)), text


def find(*, text: str, at: datetime) -> LinkRecord | None:
    """Return the link behind this text while it is good."""
    row = _good(text, at=at)
    return _record(row) if row else None


def take(*, text: str, at: datetime) -> LinkRecord | None:
    """Use the link up and return it; None when it is none (any more). Inside a transaction."""
    row = _good(text, at=at, locked=True)
    if row is None:
        return None
    taken = _record(row)
    row.delete()
    return taken


def of_project(*, project_id: UUID, at: datetime) -> tuple[LinkRecord, ...]:
    """Return the project's links that are still good, newest first."""
    rows = _rows().filter(project=project_id, expires_at__gt=at).order_by("-created_at", "pk")
    return tuple(_record(row) for row in rows[:MAX_OPEN])


def count(*, project_id: UUID, at: datetime) -> int:
    return AccessLink.objects.filter(project=project_id, expires_at__gt=at).count()


def remove(*, project_id: UUID, link_id: UUID) -> bool:
    """Withdraw the project's link; return False when there is none."""
    deleted, _ = AccessLink.objects.filter(project=project_id, pk=link_id).delete()
    return deleted > 0


def remove_of_person(*, user_id: UUID) -> None:
    AccessLink.objects.filter(user=user_id).delete()


def remove_old(*, at: datetime) -> int:
    """Remove those that have ended; return how many."""
    deleted, _ = AccessLink.objects.filter(expires_at__lte=at).delete()
    return deleted


def _rows() -> QuerySet[AccessLink]:
    return AccessLink.objects.select_related("project", "user", "created_by")


def _good(text: str, *, at: datetime, locked: bool = False) -> AccessLink | None:
    if not text or len(text) > MAX_LENGTH or not text.isascii():
        return None
    rows = _rows().filter(token_hash=_hash(text), expires_at__gt=at)
    return (rows.select_for_update(of=("self",)) if locked else rows).first()


def _hash(text: str) -> str:
    # The text has 256 bits of chance, so nothing slow is needed to hide it.
    return hashlib.sha256(text.encode()).hexdigest()


def _record(row: AccessLink) -> LinkRecord:
    return LinkRecord(
        id=row.pk,
        user_id=row.user_id,
        user_name=row.user.get_username() if row.user else "",
        project_id=row.project_id,
        project_name=row.project.name if row.project else "",
        role=row.role,
        created_by=row.created_by.get_username(),
        created_by_id=row.created_by_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
