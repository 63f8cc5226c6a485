"""What waits in an outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Stored_co = TypeVar("Stored_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Waiting(Generic[Stored_co]):
    """Stored events with their positions, oldest first; `is_all` when no other waited when they were read."""

    batch: tuple[tuple[int, Stored_co], ...]
    is_all: bool
