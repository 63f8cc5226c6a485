"""What proved who somebody is, in a form that tells whether it has changed since."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from deployments.repositories.reads import proofs


def marks_of(*, tokens: Collection[str], sessions: Collection[str], users: Collection[UUID]) -> dict[str, str]:
    """Return a mark for each token (by its digest), session and user that is there and has not ended.

    As long as the marks are those of before a check, its answer on who it is would be the same.
    """
    return proofs.marks_of(tokens=tokens, sessions=sessions, users=users)
