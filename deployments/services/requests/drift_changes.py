"""What a plan says of what somebody changed on the server since the last proof. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from deployments.rules.drift import WORDS, Aspect, Difference
from stackgen.plan import Action, Change
from stackgen.results import StackService

# The agent starts these again whatever else it is told; their definition stays.
STARTED_AGAIN = frozenset({Aspect.MISSING, Aspect.STATE})


def with_drift(
    *, changes: Sequence[Change], services: Collection[StackService], differences: Iterable[Difference]
) -> tuple[Change, ...]:
    """Return the changes, those of services among them that would stay and differ, and removals of strangers."""
    of_service: dict[str, list[Difference]] = defaultdict(list)
    for each in differences:
        of_service[each.service].append(each)
    known = {service.name: service for service in services}
    planned = tuple(
        _renewed(change, of_service[change.service], known)
        if change.action == "keep" and change.service in of_service and change.service in known
        else change
        for change in changes
    )
    named = {change.service for change in changes}
    strangers = tuple(
        Change(service=name, node_id="", action="remove", reasons=tuple(map(_reason, own)))
        for name, own in sorted(of_service.items())
        if name not in named and any(each.repairable for each in own)
    )
    return (*planned, *strangers)


def _renewed(change: Change, differences: Sequence[Difference], known: Mapping[str, StackService]) -> Change:
    aspects = {each.aspect for each in differences}
    if aspects == {Aspect.EXTRA}:
        return replace(change, reasons=(*change.reasons, *map(_reason, differences)))
    action: Action = "restart" if aspects <= STARTED_AGAIN else "replace"
    down = not known[change.service].starts_first or Aspect.MISSING in aspects
    reasons = (*change.reasons, *map(_reason, differences))
    return replace(change, action=action, reasons=reasons, downtime=change.downtime or down)


def _reason(difference: Difference) -> str:
    return f"on the server, {WORDS.get(difference.aspect, difference.aspect)}: {difference.there}"
