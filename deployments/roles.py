"""What people may do in a project, by their role there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.types import Right


class Role(StrEnum):
    """From the least to the most; each may do what those before it may."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    EDITOR = "editor"
    APPROVER = "approver"
    OWNER = "owner"


# What a role adds to those before it.
_ADDS = {
    Role.VIEWER: Right.SEE,
    Role.DEPLOYER: Right.DEPLOY,
    Role.EDITOR: Right.CHANGE,
    Role.APPROVER: Right.APPROVE,
    Role.OWNER: Right.MANAGE,
}
ROLES = tuple(Role)
GIVEN = ROLES[:-1]
ROLE_WORDS = {
    Role.VIEWER: sentence("View"),
    Role.DEPLOYER: sentence("View and deploy"),
    Role.EDITOR: sentence("View, deploy and edit"),
    Role.APPROVER: sentence("View, deploy, edit and allow servers"),
    Role.OWNER: sentence("Everything"),
}


def allows(role: Role | None, right: Right) -> bool:
    """Return whether the role includes the right; none for who has no role."""
    return role is not None and right in {_ADDS[each] for each in ROLES[: ROLES.index(role) + 1]}


def greatest(roles: Iterable[str]) -> Role | None:
    """Return the role that may do most; a role that only a newer version knows counts as a viewer's."""
    known = [Role(role) if role in set(ROLES) else Role.VIEWER for role in roles]
    return max(known, key=ROLES.index, default=None)


@dataclass(frozen=True, kw_only=True)
class GroupRecord:
    """People who are given roles together. `members` are user names, sorted."""

    id: UUID
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GroupRole:
    """A group's role in a project."""

    group: GroupRecord
    role: Role
