"""How a list is asked for and answered: filter, page, place in it. Frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from deployments.states import Kind, Reason, Result, Status

T = TypeVar("T")
MAX_PAGE_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class Position:
    """A place in a list by time: right behind this deployment."""

    created_at: datetime
    deployment_id: UUID


@dataclass(frozen=True, kw_only=True)
class DeploymentFilter:
    """What all deployments of a list have in common, None for anything.

    Fields are named like the table's columns, all but `result` and the two moments: asked for at `created_from` or
    later, and before `created_until`.
    """

    status: Status | None = None
    kind: Kind | None = None
    result: Result | None = None
    reason: Reason | None = None
    requested_by_id: UUID | None = None
    target_id: UUID | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """Which page of a list is asked for, from 1; what is out of bounds is moved into them."""

    page: int
    limit: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "page", max(1, self.page))
        object.__setattr__(self, "limit", min(MAX_PAGE_SIZE, max(1, self.limit)))


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, newest first."""

    items: tuple[T, ...]
    page: int
    limit: int
    total: int

    @property
    def total_pages(self) -> int:
        return -(-self.total // self.limit)


@dataclass(frozen=True, kw_only=True)
class DeploymentStamp:
    """A state of a deployment: as long as `mark` is the same, so is all that is shown of it."""

    deployment_id: UUID
    project_id: UUID
    project_owner_id: UUID
    last_sequence: int
    mark: tuple[str, ...]
