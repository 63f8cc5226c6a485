"""The stages as data: what holds a deployment in each of them, for long enough to do something to it there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A deployment stays in it until its scene is released; where it is `watched`, for the health window asked for.

    `slow_build`: what holds the new version is its build. `untouched`: no container of the former version has been
    touched yet, so that all of them must still be there.
    """

    name: str
    number: int
    untouched: bool
    slow_build: bool = False
    watched: bool = False


# Pushing is for clusters, whose images go through a registry: a server's deployment has no such stage.
STAGES = (
    Stage(name="building", number=1, untouched=True, slow_build=True),
    Stage(name="deploying", number=3, untouched=False),
    Stage(name="health_checking", number=4, untouched=False, watched=True),
)
PROCESSES = ("worker", "gateway", "publisher", "reconciler", "web", "runner", "postgres", "redis")
