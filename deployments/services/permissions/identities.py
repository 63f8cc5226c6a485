"""Callers known by nothing but an id of the platform. The door has checked the id, or says that it has not."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.conf import settings

from deployments.repositories import users
from deployments.services.permissions.access import caller_of
from deployments.types import Caller


def verified_caller(*, user_id: UUID) -> Caller:
    """Who was vouched for: gets a row at first sight, so that people can share projects with it.

    Raises Unauthenticated for a disabled account.
    """
    return _with_allowed_rights(caller_of(users.ensure(user_id=user_id)))


def claimed_caller(*, user_id: UUID) -> Caller:
    """Who only claims to be: without a row it stays a stranger to everything. Raises Unauthenticated as above."""
    user = users.find(user_id=user_id)
    return Caller(user_id=user_id, name=str(user_id)) if user is None else _with_allowed_rights(caller_of(user))


def _with_allowed_rights(caller: Caller) -> Caller:
    """A superuser is a user like others here unless AXION_KAFKA_SUPERUSERS says otherwise."""
    return replace(caller, sees_everything=caller.sees_everything and settings.AXION_KAFKA_SUPERUSERS)
