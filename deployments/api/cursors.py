"""Places in a list as text that a client hands back as it got it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from deployments.data.list_types import Page, Position
from deployments.errors import Invalid
from deployments.types import DeploymentRecord
from deployments.wire import pagination_shape

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def cursor_of(record: DeploymentRecord) -> str:
    """Return the cursor of the place right behind this deployment."""
    return f"{(record.created_at - EPOCH) // MICROSECOND}.{record.id}"


def parse_cursor(cursor: str) -> Position:
    """Return the place that a cursor names. Raise Invalid for what we never gave."""
    moment, _, deployment_id = cursor.partition(".")
    try:
        created_at = EPOCH + int(moment) * MICROSECOND
        return Position(created_at=created_at, deployment_id=UUID(deployment_id))
    except (ValueError, OverflowError):
        raise Invalid(
            "`after` is not a cursor from this list.", details={"after": "pass the `next` of an earlier answer"}
        ) from None


def cursor_pagination_shape(page: Page[DeploymentRecord]) -> dict[str, Any]:
    """Return the contract's pagination, and where to read on."""
    full = len(page.items) == page.limit
    return {**pagination_shape(page), "next": cursor_of(page.items[-1]) if full else ""}
