"""What proved who somebody is, as it is stored now: whether it is as it was when it was checked."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from agents import prepared

# xmin names the transaction that wrote a row as it is, so that every change of it shows.
MARKS = """
SELECT 'token:' || digest, xmin::text FROM knox_authtoken
WHERE digest = ANY(%s) AND (expiry IS NULL OR expiry > now())
UNION ALL
SELECT 'session:' || session_key, xmin::text FROM django_session
WHERE session_key = ANY(%s) AND expire_date > now()
UNION ALL
SELECT 'user:' || id, xmin::text FROM users WHERE id = ANY(%s)
"""


def marks_of(*, tokens: Collection[str], sessions: Collection[str], users: Collection[UUID]) -> dict[str, str]:
    """Return a mark for each token (by its digest), session and user that is there and has not ended.

    By `token:<digest>`, `session:<key>` and `user:<id>`, in one statement. A mark changes with its row.
    """
    return dict(prepared.fetch_all(MARKS, [list(tokens), list(sessions), list(users)]))
