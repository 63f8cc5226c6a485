"""What people agree on: rights to servers, and who is asked to join a project. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class GrantState(StrEnum):
    """How far two owners agree on a project's right to a server. Only `granted` lets anything start."""

    GRANTED = "granted"
    OFFERED = "offered"
    ASKED = "asked"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asked for a deployment, as this person is by now."""

    id: UUID
    name: str
    is_active: bool
    is_superuser: bool


@dataclass(frozen=True, kw_only=True)
class Half:
    """One side's part of a grant: who gave it and when, and what this person is by now."""

    by_id: UUID
    by: str
    at: datetime
    is_active: bool
    is_superuser: bool


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A project's right to a server, whole when both sides have given their half and neither has ended it."""

    id: UUID
    project_id: UUID
    server_id: UUID
    project_half: Half | None
    server_half: Half | None
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_because: str = ""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """Somebody is asked to become a member and has not answered. `name` is as it was written."""

    id: UUID
    project_id: UUID
    project_name: str
    name: str
    role: str
    invited_by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class LinkRecord:
    """A link that lets one person in, once: to choose a password (`user_id`), or into a project with a role."""

    id: UUID
    user_id: UUID | None
    user_name: str
    project_id: UUID | None
    project_name: str
    role: str
    created_by: str
    created_by_id: UUID
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PersonRecord:
    """Somebody who has an account. `active`: may sign in. `last_login_at`: None for never."""

    id: UUID
    name: str
    email: str
    active: bool
    administrator: bool
    joined_at: datetime
    last_login_at: datetime | None
