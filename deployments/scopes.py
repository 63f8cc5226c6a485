"""What an API token is good for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# The words before a token in the header `Authorization`, in small letters; both mean the same.
TOKEN_SCHEMES = frozenset({"token", "bearer"})


class Scope(StrEnum):
    """Each may what the one before may."""

    READ = "read"
    DEPLOY = "deploy"
    ALL = "all"

    def allows(self, needed: Scope) -> bool:
        ranks = list(Scope)
        return ranks.index(self) >= ranks.index(needed)

    @property
    def refusal(self) -> str:
        """Why something that needs more is refused, for people."""
        return f"This token has the scope {self}. Use one that may do more."


@dataclass(frozen=True, kw_only=True)
class TokenRecord:
    """A token as its owner sees it; the token itself is known to nobody but who was given it."""

    id: UUID
    user_id: UUID
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
