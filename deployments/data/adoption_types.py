"""Containers of a server that are not ours: what its agent told, and which a project takes over. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class AdoptionState(StrEnum):
    """ASKED ends as DESCRIBED or REFUSED. What was described is PLANNED once a project was made of it, or FORGOTTEN.

    PLANNED is TAKEN when a deployment of that project has succeeded in the containers' place.
    """

    ASKED = "asked"
    DESCRIBED = "described"
    REFUSED = "refused"
    FORGOTTEN = "forgotten"
    PLANNED = "planned"
    TAKEN = "taken"


@dataclass(frozen=True, kw_only=True)
class AdoptionRecord:
    """One look at a server. `containers`: those that a project takes over, by id, with their names; `volumes` theirs.

    `sealed`: what was told, only while it is described.
    """

    id: UUID
    server_id: UUID
    server_name: str
    state: AdoptionState
    message: str
    requested_by: str
    requested_at: datetime
    told_at: datetime | None = None
    sealed: str = field(default="", repr=False)
    project_id: UUID | None = None
    containers: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SeenContainer:
    """A container as pages show it: nothing of its values."""

    name: str
    image: str
    volumes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ContainerGroup:
    """What is taken over as one: a Compose project or a single container. `why_not`: empty where it can be."""

    key: str
    name: str
    is_project: bool
    containers: tuple[SeenContainer, ...]
    why_not: str
