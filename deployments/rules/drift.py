"""What differs between what was deployed and what an agent sees: every container, aspect by aspect. Pure.

A difference says what was meant and what is there. Of the environment, commands and labels only marks are known, since
values may be secret. What nobody can compare is named as such, never taken for alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from deployments.rules.observed import ObservedContainer

# Differences of one stack that are stored and shown; the first ones say what is wrong.
MAX_DIFFERENCES = 300
MAX_NAMED = 10
# Names the key of an agent's hashes: those of another one cannot be compared.
KEY = "key"
MARK_DIGITS = 16
UP = frozenset({"running", "restarting", "created"})


class Aspect(StrEnum):
    """In what a service can differ, the gravest first."""

    MISSING = "missing"
    EXTRA = "extra"
    STATE = "state"
    IMAGE = "image"
    ENVIRONMENT = "env"
    COMMAND = "command"
    MOUNTS = "mounts"
    NETWORKS = "networks"
    PORTS = "ports"
    LIMITS = "limits"
    RESTART = "restart"
    PLACEMENT = "placement"
    LABELS = "labels"
    NAME = "name"


WORDS: Mapping[str, str] = {
    Aspect.MISSING: "containers",
    Aspect.EXTRA: "containers",
    Aspect.STATE: "state",
    Aspect.IMAGE: "image",
    Aspect.ENVIRONMENT: "environment",
    Aspect.COMMAND: "command",
    Aspect.MOUNTS: "mounts",
    Aspect.NETWORKS: "networks",
    Aspect.PORTS: "published ports",
    Aspect.LIMITS: "limits",
    Aspect.RESTART: "restart policy",
    Aspect.PLACEMENT: "placement",
    Aspect.LABELS: "labels",
    Aspect.NAME: "name",
}
SETTINGS = (
    Aspect.ENVIRONMENT,
    Aspect.COMMAND,
    Aspect.MOUNTS,
    Aspect.NETWORKS,
    Aspect.PORTS,
    Aspect.LIMITS,
    Aspect.RESTART,
    Aspect.PLACEMENT,
    Aspect.LABELS,
)
# Any agent starts what lacks or stands still, and replaces another image; the rest only one that can start anew what
# has the same definition.
ANY_AGENT_REPAIRS = frozenset({Aspect.MISSING, Aspect.EXTRA, Aspect.STATE, Aspect.IMAGE})


@dataclass(frozen=True, kw_only=True)
class MeantSetup:
    """A service as it was proven: image id, copies and, where the agent could tell, how its containers were set up.

    `started_by` is the deployment whose proof saw its containers set up so.
    """

    name: str
    node_id: str
    copies: int
    image: str
    content_hash: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One way in which a service differs. `by_people`: only somebody on the host can have made it.

    `mark` names exactly this difference: another value there has another one. `left_by` is who said to leave it.
    """

    service: str
    node_id: str
    aspect: str
    meant: str
    there: str
    mark: str
    by_people: bool = True
    repairable: bool = True
    since_ms: int = 0
    left_by: str = ""

    @property
    def key(self) -> str:
        return f"{self.service}/{self.aspect}"

    @property
    def words(self) -> str:
        """The difference in one sentence."""
        name = self.service or "The stack"
        return f"{name}: {WORDS.get(self.aspect, self.aspect)} {self.there} instead of {self.meant}."


@dataclass(frozen=True, kw_only=True)
class SeenDrift:
    """How a stack differs from what was deployed. `why_not`: why that is not known now, or not all of it.

    `repairs_message`: why it is no longer repaired by itself. `soak_message`: what became of the watch after a
    deployment, which lasts until `soak_until_ms`.
    """

    differences: tuple[Difference, ...]
    why_not: str = ""
    repairs_message: str = ""
    soak_until_ms: int = 0
    soak_message: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All differences, and of which services some aspects cannot be compared, with the reason."""

    differences: tuple[Difference, ...]
    unknown: tuple[str, ...] = ()


def compare(*, meant: Sequence[MeantSetup], containers: Collection[ObservedContainer]) -> Comparison:
    """Return how what is there differs from what was meant. The same containers, in any order, give the same."""
    found = sorted(containers, key=lambda each: (each.service, each.name, each.id))
    names = {service.name for service in meant}
    differences: list[Difference] = []
    unknown: list[str] = []
    for service in meant:
        own = [each for each in found if each.service == service.name]
        differences += _of_service(service, own)
        if own and not _comparable(service, own):
            unknown.append(service.name)
    differences += _strangers([each for each in found if each.service not in names])
    return Comparison(differences=tuple(differences[:MAX_DIFFERENCES]), unknown=tuple(unknown))


def _of_service(meant: MeantSetup, found: Sequence[ObservedContainer]) -> Iterator[Difference]:
    yield from _number(meant, found)
    yield from _states(meant, found)
    others = sorted({each.image for each in found} - {meant.image, ""})
    if others and meant.image:
        yield _difference(meant, Aspect.IMAGE, meant=_short(meant.image), there=_list(map(_short, others)), of=others)
    yield from _settings(meant, found)
    renamed = [each.name for each in found if not _has_own_name(each)]
    if renamed:
        yield _difference(meant, Aspect.NAME, meant="the stack's own name", there=_list(renamed), of=renamed)


def _number(meant: MeantSetup, found: Sequence[ObservedContainer]) -> Iterator[Difference]:
    if len(found) < meant.copies:
        there = f"{len(found) or 'none'} of {meant.copies}"
        yield _difference(meant, Aspect.MISSING, meant=str(meant.copies), there=there, of=[str(len(found))])
    elif len(found) > meant.copies:
        names = [each.name for each in found]
        there = f"{len(found)} ({_list(names)})"
        yield _difference(meant, Aspect.EXTRA, meant=str(meant.copies), there=there, of=[each.id for each in found])


def _states(meant: MeantSetup, found: Sequence[ObservedContainer]) -> Iterator[Difference]:
    down = [each for each in found if each.state not in UP and not each.is_absent]
    if not down:
        return
    # One that Docker would start again and that stays down was stopped by somebody; nothing pauses by itself.
    by_people = all(each.restarts_itself or each.state == "paused" for each in down)
    words = sorted({each.state for each in down})
    yield _difference(
        meant, Aspect.STATE, meant="running", there=_list(words), of=[*words, str(len(down))], by_people=by_people
    )


def _settings(meant: MeantSetup, found: Sequence[ObservedContainer]) -> Iterator[Difference]:
    comparable = [each for each in found if _same_key(meant, each)]
    for aspect in SETTINGS:
        expected = meant.settings.get(aspect)
        others = [each for each in comparable if expected and each.setting(aspect) not in ("", expected)]
        if not expected or not others:
            continue
        marks = sorted({each.setting(aspect) for each in others})
        there = sorted({each.words_of(aspect) for each in others} - {""})
        yield _difference(
            meant,
            aspect,
            meant=meant.shown.get(aspect) or f"the deployed one ({expected[:8]})",
            there=_list(there) if there else f"changed ({_list(mark[:8] for mark in marks)})",
            of=marks,
        )


def _strangers(found: Sequence[ObservedContainer]) -> Iterator[Difference]:
    for container in found:
        of_stack = bool(container.stack)
        yield Difference(
            service=container.service or container.name,
            node_id="",
            aspect=Aspect.EXTRA,
            meant="nothing",
            there=f"{container.name}, which nobody deployed",
            mark=_mark(["stranger", container.id]),
            repairable=of_stack and bool(container.service),
        )


def _comparable(meant: MeantSetup, found: Sequence[ObservedContainer]) -> bool:
    return all(_same_key(meant, each) for each in found)


def _same_key(meant: MeantSetup, container: ObservedContainer) -> bool:
    return bool(meant.settings.get(KEY)) and container.setting(KEY) == meant.settings[KEY]


def _has_own_name(container: ObservedContainer) -> bool:
    """Whether it is named as Compose or Swarm names it; nobody can tell where the stack is not known."""
    if not container.stack:
        return True
    return bool(
        re.fullmatch(rf"{re.escape(container.stack)}[-_]{re.escape(container.service)}([-_]\d+|\.\w+)", container.name)
    )


def _difference(
    service: MeantSetup, aspect: Aspect, *, meant: str, there: str, of: Sequence[str], by_people: bool = True
) -> Difference:
    return Difference(
        service=service.name,
        node_id=service.node_id,
        aspect=aspect,
        meant=meant,
        there=there,
        mark=_mark([service.name, aspect, meant, *of]),
        by_people=by_people,
    )


def _mark(facts: Sequence[str]) -> str:
    return sha256("\0".join(facts).encode()).hexdigest()[:MARK_DIGITS]


def _short(image: str) -> str:
    return image.removeprefix("sha256:")[:12]


def _list(words: Any) -> str:
    named = list(words)
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return ", ".join(named[:MAX_NAMED]) + more


def carry_over(*, new: Sequence[Difference], old: Sequence[Difference], now_ms: int) -> tuple[Difference, ...]:
    """Return the new differences, each since when it is so and whether it was left: both end when it changes."""
    known = {(each.key, each.mark): each for each in old}
    return tuple(
        replace(each, since_ms=before.since_ms, left_by=before.left_by)
        if (before := known.get((each.key, each.mark)))
        else replace(each, since_ms=now_ms)
        for each in new
    )


def keep_meant(*, former: Mapping[str, MeantSetup], proven: MeantSetup, started: bool) -> MeantSetup:
    """Return what is meant of a service after a proof.

    Containers that stayed were not made by this deployment: what was meant of them is what the proof of their own
    saw, or somebody's change on the host would become what is meant just because a deployment left it alone.
    """
    before = former.get(proven.name)
    stayed = before is not None and not started and before.content_hash == proven.content_hash
    if before is None or not stayed or before.settings.get(KEY) != proven.settings.get(KEY):
        return proven
    return replace(proven, settings=before.settings, shown=before.shown)


def digest_of(differences: Collection[Difference]) -> str:
    """Name exactly these differences, in any order: as long as nobody touches the host it stays the same."""
    return _mark(sorted(f"{each.key}={each.mark}" for each in differences))
