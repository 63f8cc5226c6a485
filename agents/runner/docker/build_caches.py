"""Keeps the caches of builds apart: one project's code must not be able to plant what another one's build takes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from agents.runner.journal.durable import write_private

KEY_BYTES = 32


class BuildCaches:
    """Names a space for each project's cache mounts, which BuildKit puts before their ids.

    Every build may name any id, so the space must be one that nobody outside can guess: an HMAC under a key that is
    made on this host, kept in a file of mode 0600 and told to nobody. Losing it costs nothing but filled caches.
    """

    def __init__(self, *, path: Path) -> None:
        self._key = kept_key(path)

    def space(self, project_id: str) -> str:
        """Return the project's own space: always the same on this host, another one on any other."""
        return hmac.new(self._key, project_id.encode(), hashlib.sha256).hexdigest()


def kept_key(path: Path) -> bytes:
    """Return the key that lies there, made when there is none that is whole. Told to nobody."""
    key = path.read_bytes() if path.exists() else b""
    if len(key) != KEY_BYTES:
        key = secrets.token_bytes(KEY_BYTES)
        write_private(path, key)
    return key
