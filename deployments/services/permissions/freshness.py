"""Whether who uses a session gave their password a short while ago: what matters most asks for it again.

A stolen cookie is then not everything: it makes no tokens, no users, no enrolments, and revokes nothing.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

FRESH_SECONDS = 600
KEY = "password_given_at"
SEEN = "seen_at"


def mark(session: MutableMapping[str, Any], *, now: float) -> None:
    """Note that the password was given right now, in seconds since 1970."""
    session[KEY] = int(now)
    see(session, now=now)


def is_fresh(session: Any, *, now: float) -> bool:
    given = session.get(KEY)
    return isinstance(given, int) and 0 <= now - given <= FRESH_SECONDS


def see(session: MutableMapping[str, Any], *, now: float) -> None:
    """Note that the session was used right now. Storing it lets its time begin anew."""
    session[SEEN] = int(now)


def last_seen(session: Any) -> int:
    """Return when the session was used last, in seconds since 1970, to within what was written; 0 for never."""
    seen = session.get(SEEN)
    return seen if isinstance(seen, int) else 0
