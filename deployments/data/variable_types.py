"""Variables that stay from one deployment to the next: what they belong to, and how they add up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a variable belongs to; the later one wins."""

    PROJECT = "project"
    TARGET = "target"
    NODE = "node"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a variable belongs to. `key`: empty for a project, else the id of the target or of the node."""

    scope: Scope
    key: str = ""


PROJECT_WIDE = Place(scope=Scope.PROJECT)


@dataclass(frozen=True, kw_only=True)
class StoredVariable:
    """A variable by name, without its value."""

    place: Place
    name: str
    version: int
    set_by: str
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class ChangedVariable:
    """One change, for people who ask who did it: `action` is "set" or "removed"."""

    place: Place
    name: str
    version: int
    action: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SealedVariable:
    """One stored value, sealed for its place and name."""

    pk: int
    project_id: UUID
    place: Place
    name: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class GivenVariables:
    """What a deployment is given: for every service, and over that for single nodes (id to name to value). Secret."""

    shared: Mapping[str, str] = field(default_factory=dict, repr=False)
    of_nodes: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def shared_names(self) -> tuple[str, ...]:
        return tuple(sorted(self.shared))

    @property
    def node_names(self) -> dict[str, tuple[str, ...]]:
        return {node_id: tuple(sorted(values)) for node_id, values in sorted(self.of_nodes.items())}

    @property
    def flat(self) -> dict[str, str]:
        """Return all values: by name, those of nodes by "<node id>.<name>", which no name can be."""
        own = {f"{node_id}.{name}": text for node_id, values in self.of_nodes.items() for name, text in values.items()}
        return {**self.shared, **own}


def overlaid(*, stored: Mapping[Place, Mapping[str, str]], request: Mapping[str, str]) -> GivenVariables:
    """Return the stored values of the project, over them those of its target, over them the request's.

    A node keeps its own, but for those that the request gives: a request wins over all that is stored.
    """
    shared: dict[str, str] = {}
    for scope in (Scope.PROJECT, Scope.TARGET):
        for place, values in stored.items():
            if place.scope is scope:
                shared.update(values)
    of_nodes = {
        place.key: own
        for place, values in stored.items()
        if place.scope is Scope.NODE and (own := {name: text for name, text in values.items() if name not in request})
    }
    return GivenVariables(shared={**shared, **request}, of_nodes=of_nodes)
