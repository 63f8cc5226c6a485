"""What will happen: the services of two stacks compared, one by one, with the reason of each change."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from stackgen.results import StackService

Action = Literal["create", "replace", "restart", "keep", "remove"]
ENVIRONMENT = "environment "


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`restart`: replaced by the same definition, for new values only. `downtime`: nobody answers for a while, as the
    old copy ends before the new one starts, or they have different names; `downtime_because` says why.

    `keep` with a reason: what runs stays, and copies are added or taken away.
    """

    service: str
    node_id: str
    action: Action
    reasons: tuple[str, ...] = ()
    downtime: bool = False
    downtime_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes in the order of the work, what goes last."""

    changes: tuple[Change, ...]

    def text(self) -> str:
        """Return one line for each service."""
        width = max((len(change.service) for change in self.changes), default=0)
        return "".join(f"{_line(change, width)}\n" for change in self.changes)


def compare_services(
    *,
    old: Collection[StackService],
    new: Collection[StackService],
    new_values: Collection[str] = (),
    image_volumes: Collection[str] = (),
    force: bool = False,
) -> Plan:
    """Return what a deployment of `new` does where `old` runs; nothing runs when `old` is empty.

    `new_values` names variables that have another value now, `image_volumes` old services
    whose images keep data by themselves, as an agent saw. With `force` whatever would be kept is made anew.
    """
    before = {service.node_id: service for service in old}
    staying = {service.node_id for service in new}
    going = [service for service in reversed(list(old)) if service.node_id not in staying]
    keeping = {service.node_id for service in old if service.name in image_volumes}
    changes = []
    for service in new:
        change = _change(before.get(service.node_id), service, set(new_values), force=force)
        changes.append(_replaced_in_place(change) if service.node_id in keeping else _begun(change, service, going))
    changes += [_removal(service) for service in going]
    return Plan(changes=tuple(changes))


def _removal(old: StackService) -> Change:
    places = [*(f"volume {name}" for name in old.volumes), *(f"{path} of the host" for path in old.host_paths)]
    reasons = ("no longer in the graph", *(f"its data stays in {place}" for place in places))
    because = "it is taken away"
    return Change(
        service=old.name, node_id=old.node_id, action="remove", reasons=reasons, downtime=True, downtime_because=because
    )


def _replaced_in_place(change: Change) -> Change:
    if change.action not in {"replace", "restart"}:
        return change
    because = "one copy at a time can use the volume of its image"
    reasons = (*change.reasons, "keeps the volume of its image")
    return replace(change, reasons=reasons, downtime=True, downtime_because=because)


def _begun(change: Change, new: StackService, going: Collection[StackService]) -> Change:
    if change.action != "create" or not new.volumes:
        return change
    # Who adds a database again may think that it is the old one.
    left = [f"the data of {old.name} stays in volume {', '.join(old.volumes)}" for old in going if old.volumes]
    return replace(change, reasons=(*change.reasons, f"begins empty; {'; '.join(left)}")) if left else change


def _change(old: StackService | None, new: StackService, new_values: set[str], *, force: bool) -> Change:
    action: Action = "create"
    reasons: tuple[str, ...] = ("new in the graph",)
    if old is not None:
        used = new_values.intersection(new.aspects.get("variables", "").split())
        reasons = tuple(_reasons(old, new))
        action = "replace" if reasons else "keep"
        if not reasons and used:
            action = "restart"
        reasons += tuple(f"{name} changed" for name in sorted({_given_name(name) for name in used}))
        if old.replicas != new.replicas:
            reasons += (f"{old.replicas} copies become {new.replicas}",)
        if force and action == "keep":
            action, reasons = "replace", (*reasons, "recreated as asked")
    because = _downtime_cause(old, new) if action in {"replace", "restart"} else ""
    return Change(
        service=new.name,
        node_id=new.node_id,
        action=action,
        reasons=reasons,
        downtime=bool(because),
        downtime_because=because,
    )


def _downtime_cause(old: StackService | None, new: StackService) -> str:
    """Return why the old copy must end before the new one starts; empty when they may run side by side."""
    if old is not None and old.name != new.name:
        return "it is renamed"
    if new.starts_first:
        return ""
    if new.volumes:
        return "one copy at a time can use its volume"
    if new.host_paths:
        return f"one copy at a time can use {new.host_paths[0]} of the host"
    if new.published_ports:
        ports = ", ".join(str(port) for port in new.published_ports)
        return f"one copy at a time can have port {ports} of the host"
    return "the old copy ends before the new one starts"


def _given_name(variable: str) -> str:
    """Return the name that people know: DB_PASSWORD for SECRET_DB_PASSWORD and for its form in URLs."""
    return variable.removeprefix("SECRET_").removeprefix("ENV_").removesuffix("_URLENCODED")


def _reasons(old: StackService, new: StackService) -> Iterator[str]:
    if old.content_hash == new.content_hash and old.name == new.name:
        return
    if old.name != new.name:
        yield f"renamed from {old.name}"
    for aspect in sorted(old.aspects.keys() | new.aspects.keys()):
        before, after = old.aspects.get(aspect), new.aspects.get(aspect)
        if before == after or aspect == "variables":
            continue
        name = aspect.removeprefix(ENVIRONMENT)
        if before is None:
            yield f"{name} added"
        elif after is None:
            yield f"{name} removed"
        else:
            yield f"{name} changed"


def _line(change: Change, width: int) -> str:
    why = f"  ({'; '.join(change.reasons)})" if change.reasons else ""
    return f"{change.action:<8} {change.service:<{width}}{'  downtime' if change.downtime else ''}{why}".rstrip()
