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
    VARIABLE = "variable"
    VOLUME = "volume"
    SERVER = "server"
    CLUSTER = "cluster"
    AGENT = "agent"
    COMMAND = "command"
    REGISTRY = "registry"
    INCIDENT = "incident"
    CHANNEL = "channel"
    PERSON = "person"
    GROUP = "group"
    INVITATION = "invitation"
    TOKEN = "token"  # noqa: S105 - a word
    ENROLMENT = "enrolment"
    MUTE = "mute"
    DOCUMENTATION = "documentation"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing: what it is called, and a line that tells it from others of that name.

    `id` is that of the thing; of one that has none, like a service, that of what it stands in, whose kind is `of`.
    `address` is that of a page of the documentation; everything else is found by its id.
    """

    kind: FoundKind
    id: UUID
    title: str
    detail: str = ""
    of: FoundKind | None = None
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What was found, by kind. `more`: kinds of which more was found than is told.

    Of deployments and incidents the newest are looked through, of older deployments only the id; see `search_rows`.
    """

    items: tuple[Found, ...]
    more: frozenset[FoundKind]
