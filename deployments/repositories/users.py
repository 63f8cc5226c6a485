"""Users, known by the id that all services of the platform share."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.hashers import make_password

from deployments.models import User


def find(*, user_id: UUID) -> User | None:
    return User.objects.filter(pk=user_id).first()


def ensure(*, user_id: UUID) -> User:
    """Return the user's row; a new one has no password and no project until somebody gives it one."""
    found = find(user_id=user_id)
    if found is None:
        new = User(pk=user_id, username=str(user_id), password=make_password(None))
        User.objects.bulk_create([new], ignore_conflicts=True)
        found = User.objects.get(pk=user_id)
    return found
