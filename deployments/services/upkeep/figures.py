"""Figures of the whole installation, for monitoring."""

from __future__ import annotations

from django.db import connection

from deployments.repositories.upkeep import figures
from deployments.repositories.upkeep.figures import Figure

__all__ = ["Figure", "read_figures"]


def read_figures() -> tuple[Figure, ...]:
    """Return all figures as they are now, over a connection that is closed again: threads that ask are short-lived.

    Raises DatabaseError.
    """
    try:
        return figures.read()
    finally:
        if not connection.in_atomic_block:
            connection.close()
