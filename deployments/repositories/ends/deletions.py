"""What wishes that projects go share with those that servers and clusters go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from deployments.data.end_types import DeletionState
from deployments.models.ends import Deletion
from deployments.repositories import clock
from deployments.types import Caller

Row = TypeVar("Row", bound=Deletion)
MAX_REQUESTER = 150


def begin(model: type[Row], *, key: UUID, first: Mapping[str, Any], facts: Mapping[str, Any], caller: Caller) -> Row:
    """Store the wish, or take up again one that is stuck, with these facts; `first` are those that stay.

    Inside a transaction that holds the lock of what goes.
    """
    asked = {"requested_by_id": caller.user_id, "requested_by_name": caller.name[:MAX_REQUESTER]}
    now = {"state": DeletionState.DELETING, "message": "", **asked, **facts}
    rows = model._default_manager
    row, made = rows.get_or_create(pk=key, defaults={"requested_at": clock.now(), **first, **now})
    if not made:
        rows.filter(pk=key).update(attempt=row.attempt + 1, **now)
        row.refresh_from_db()
    return row


def at_work(model: type[Deletion], *, limit: int) -> tuple[UUID, ...]:
    """Return what goes on being deleted by itself, the oldest first."""
    rows = model._default_manager.filter(state=DeletionState.DELETING).order_by("requested_at")
    return tuple(rows.values_list("pk", flat=True)[:limit])


def note(model: type[Deletion], *, key: UUID, state: DeletionState, message: str) -> bool:
    """Store what a deletion at work waits for, or why it is stuck; False when it says so already or has ended."""
    rows = model._default_manager.filter(pk=key, state=DeletionState.DELETING)
    return rows.exclude(state=state, message=message).update(state=state, message=message) == 1


def finish(model: type[Deletion], *, key: UUID) -> None:
    """Say that it is gone. Inside the transaction that removes it."""
    model._default_manager.filter(pk=key).update(state=DeletionState.DELETED, message="", ended_at=clock.now())


def cancel(model: type[Deletion], *, key: UUID) -> None:
    """Take the wish back as if it had never been. Inside a transaction that holds the lock of what stays."""
    model._default_manager.filter(pk=key).exclude(state=DeletionState.DELETED).delete()
