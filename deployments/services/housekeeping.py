"""Bounded work that keeps tables small. Every part may be missed or repeated without harm."""

from __future__ import annotations

from datetime import datetime

from deployments.repositories import counts
from deployments.services import idempotency, retention

MOST_PROJECTS = 50
MOST_KEYS = 1000


def tidy(*, at: datetime) -> int:
    """Sum up counts, forget old keys and snapshots; returns how many things it moved. Several may run at once."""
    moved = counts.fold(limit=MOST_PROJECTS) + idempotency.forget_old_keys(at=at, limit=MOST_KEYS)
    return moved + retention.drop_beyond_retention(at=at)
