"""Which release of a server may take over the data of which other, as the makers of each say of their own.

What only the server itself can see (MongoDB's feature compatibility version, RabbitMQ's feature flags) is advice here:
it refuses to start then, the deployment fails, and what ran before is put back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stackgen.references import Reference

Numbers = tuple[int, ...]
TAG = re.compile(r"(?:v|RELEASE\.)?(\d+(?:\.\d+){0,2})(?![0-9])")
COPY = (
    "Deploy it with the former release, add a second database with the new one, copy the data over with a dump, and "
    "then take the first one out of the graph."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Whether data may be taken over, and what people have to do: instead of it, or before it."""

    allowed: bool
    advice: str = ""


Rule = Callable[[Numbers, Numbers], Move]
ALLOWED = Move(allowed=True)


def release_of_tag(image: Reference, version: int | None) -> str:
    """Return the release that a tag begins with, as many numbers as it has; empty where it says none."""
    found = TAG.match(image.tag)
    if found and version in (None, int(found[1].partition(".")[0])):
        return found[1]
    return str(version or "")


def numbers(release: str) -> Numbers:
    """Return the numbers of a release."""
    return tuple(int(each) for each in release.split("."))


def compared(old: Numbers, new: Numbers) -> int:
    """Return which is later by as many numbers as both tell: -1 for the old one, 1 for the new one, 0 for neither."""
    shared = min(len(old), len(new))
    return (new[:shared] > old[:shared]) - (new[:shared] < old[:shared])


def never(old: Numbers, new: Numbers) -> Move:
    """Take over only what the same release wrote."""
    return ALLOWED if compared(old, new) == 0 else Move(allowed=False, advice=COPY)


def forward(advice: str = "") -> Rule:
    """Return the rule of servers that read what any earlier release wrote and nothing later."""

    def judge(old: Numbers, new: Numbers) -> Move:
        order = compared(old, new)
        if order < 0:
            return Move(allowed=False, advice=f"No earlier release reads what a later one wrote. {COPY}")
        return Move(allowed=True, advice=advice if order else "")

    return judge


FORWARD = forward()


def stepwise(*series: Sequence[int], then: str = "") -> Rule:
    """Return the rule of servers that go through each of these series, in this order, and never back.

    A release belongs to the last series that is not later than it. `then`: what to do at each step.
    """
    chain = [tuple(each) for each in series]

    def place(release: Numbers) -> int:
        # 8 alone may be any of 8.0 and 8.4: the earliest for what is kept, the latest for what comes.
        return max((index for index, each in enumerate(chain) if each <= release), default=0)

    def judge(old: Numbers, new: Numbers) -> Move:
        if compared(old, new) == 0:
            return ALLOWED
        latest = (*new, 999) if len(new) == 1 else new
        earliest = (*old, 0) if len(old) == 1 else old
        steps = place(latest) - place(earliest)
        if compared(old, new) < 0:
            return Move(allowed=False, advice=f"No earlier release reads what a later one wrote. {COPY}")
        if steps > 1:
            way = ", ".join(".".join(map(str, each)) for each in chain[place(earliest) + 1 : place(latest) + 1])
            return Move(
                allowed=False, advice=f"Deploy it with each of {way} in turn, named in the image's tag. {then}".strip()
            )
        return Move(allowed=True, advice=then if steps else "")

    return judge


def minor_steps(old: Numbers, new: Numbers) -> Move:
    """Go from one minor release to the next, as Qdrant asks."""
    if compared(old, new) == 0:
        return ALLOWED
    if compared(old, new) < 0:
        return Move(allowed=False, advice=f"No earlier release reads what a later one wrote. {COPY}")
    if len(old) > 1 and len(new) > 1 and old[0] == new[0] and new[1] - old[1] == 1:
        return ALLOWED
    if len(old) > 1 and len(new) > 1 and old[0] == new[0]:
        way = f"{old[0]}.{old[1] + 1}"
        return Move(allowed=False, advice=f"Deploy it with each minor release in turn, next {way}.")
    return Move(allowed=False, advice="Deploy it with each minor release in turn, named in the image's tag.")
