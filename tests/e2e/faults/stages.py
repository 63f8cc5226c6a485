"""The stages as data: what holds a deployment in each of them, for long enough to do something to it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Stage:
    """`code` makes the new version of the service `api` stay in this stage; so does a setting of the project.

    `untouched`: no container of the former version has been touched yet, so that all of them must still be there.
    """

    name: str
    number: int
    untouched: bool
    code: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    settings: Mapping[str, object] = field(default_factory=lambda: NOTHING)


# Pushing is for clusters, whose images go through a registry: a server's deployment has no such stage.
STAGES = (
    Stage(name="building", number=1, untouched=True, code={"slow_build": True}),
    Stage(name="deploying", number=3, untouched=False, code={"listens_after": 8}),
    Stage(name="health_checking", number=4, untouched=False, settings={"health_window": 12}),
)
PROCESSES = ("worker", "gateway", "publisher", "reconciler", "web", "runner", "postgres", "redis")
