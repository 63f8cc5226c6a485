"""Users, known by the id that all services of the platform share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import make_password

from deployments.data.sharing_types import PersonRecord
from deployments.models import GroupPerson, NotificationChannel, ProjectMember, User


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


def add(*, user_id: UUID, name: str, email: str, administrator: bool) -> User:
    """Store a person who can sign in once they have a password. Raises IntegrityError when the name is taken."""
    user = User(pk=user_id, username=name, email=email, is_staff=True, is_superuser=administrator)
    user.set_unusable_password()
    user.save()
    return user


def named(*, name: str) -> User | None:
    return User.objects.filter(username=name).first()


def lock(*, user_id: UUID) -> User | None:
    """Return the person's row, locked until the caller's transaction ends."""
    return User.objects.select_for_update().filter(pk=user_id).first()


def delete(*, user: User, at: datetime) -> None:
    """Take away all by which the person gets in or is told, and what is known of them but their name.

    Inside a transaction, after what they own went to somebody else.
    """
    ProjectMember.objects.filter(user=user).delete()
    GroupPerson.objects.filter(user=user).delete()
    NotificationChannel.objects.filter(owner=user).delete()
    user.deleted_at, user.is_active, user.is_staff, user.is_superuser = at, False, False, False
    user.first_name = user.last_name = user.email = ""
    user.set_unusable_password()
    user.save()


def page(*, number: int, limit: int) -> tuple[tuple[PersonRecord, ...], int]:
    """Return a page of the people who were not deleted, by name, and how many there are."""
    rows = User.objects.filter(deleted_at__isnull=True).order_by("username", "pk")
    start = (number - 1) * limit
    return tuple(person_record(row) for row in rows[start : start + limit]), rows.count()


def ids_named(*, names: Collection[str]) -> dict[str, UUID]:
    """Return the ids of those of these people who may sign in, by name."""
    rows = User.objects.filter(username__in=list(names), is_active=True, deleted_at__isnull=True)
    return dict(rows.values_list("username", "pk"))


def person_record(row: User) -> PersonRecord:
    return PersonRecord(
        id=row.pk,
        name=row.get_username(),
        email=row.email,
        active=row.is_active,
        administrator=row.is_superuser,
        joined_at=row.date_joined,
        last_login_at=row.last_login,
    )


def language_of(user_id: UUID) -> str:
    """Return the language that a person chose; empty for none, or for nobody."""
    return User.objects.filter(pk=user_id).values_list("language", flat=True).first() or ""


def set_language(user_id: UUID, language: str) -> None:
    """Store the language of a person."""
    User.objects.filter(pk=user_id).update(language=language)
