"""What a search finds. Frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class FoundKind(StrEnum):
    """What kind of thing was found, in the order in which a search shows them."""

    PROJECT = "project"
    DEPLOYMENT = "deployment"
    SERVICE = "service"
    SERVER = "server"
    CLUSTER = "cluster"
    REGISTRY = "registry"
    INCIDENT = "incident"
    CHANNEL = "channel"
    PERSON = "person"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing: what it is called, and a line that tells it from others of that name.

    `id` is that of the thing; of a service, which has none, that of its project.
    """

    kind: FoundKind
    id: UUID
    title: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What was found, by kind. `more`: kinds of which more was found than is told.

    Of deployments and incidents the newest are looked through, of older deployments only the id; see `search_rows`.
    """

    items: tuple[Found, ...]
    more: frozenset[FoundKind]
