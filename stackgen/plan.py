"""What will happen: two stacks compared, or one with nothing, service by service and with the reason of each change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal

from stackgen.results import Engine, Stack, StackService

Action = Literal["create", "replace", "restart", "keep", "remove"]
ENVIRONMENT = "environment "


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`restart`: replaced by the same definition, for new values only. `downtime`: nobody answers for a while, as the
    old copy ends before the new one starts, or they have different names.

    `keep` with a reason: what runs stays, and copies are added or taken away.
    """

    service: str
    node_id: str
    action: Action
    reasons: tuple[str, ...] = ()
    downtime: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`approval` is the hash of all that went in: equal only when the same change is asked of the same stack."""

    changes: tuple[Change, ...]
    approval: str

    @property
    def changes_anything(self) -> bool:
        return any(change.action != "keep" or change.reasons for change in self.changes)

    def text(self) -> str:
        """One line for each service, in the order of the work."""
        width = max((len(change.service) for change in self.changes), default=0)
        lines = [_line(change, width) for change in self.changes]
        return "\n".join([*lines, f"approval {self.approval}"]) + "\n"


def compare(*, old: Stack | None, new: Stack, new_values: Collection[str] = ()) -> Plan:
    """What a deployment of `new` does where `old` runs. `new_values` names variables that have another value now."""
    return compare_services(
        old=old.services if old else (),
        new=new.services,
        engine=new.engine,
        content=new.content_hash,
        new_values=new_values,
    )


def compare_services(
    *,
    old: Collection[StackService],
    new: Collection[StackService],
    engine: Engine,
    content: str,
    new_values: Collection[str] = (),
    image_volumes: Collection[str] = (),
) -> Plan:
    """The same from the services alone, which is what a snapshot keeps. `content` is the new stack's hash.

    `image_volumes` names old services whose images keep data by themselves, as an agent saw.
    """
    before = {service.node_id: service for service in old}
    staying = {service.node_id for service in new}
    going = [service for service in reversed(list(old)) if service.node_id not in staying]
    keeping = {service.node_id for service in old if service.name in image_volumes}
    changes = []
    for service in new:
        change = _change(before.get(service.node_id), service, set(new_values))
        changes.append(_replaced_in_place(change) if service.node_id in keeping else _begun(change, service, going))
    changes += [_removal(service) for service in going]
    facts = [engine, content, sorted(new_values), [asdict(change) for change in changes]]
    approval = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return Plan(changes=tuple(changes), approval=approval)


def _removal(old: StackService) -> Change:
    reasons = ("no longer in the graph", *(f"its data stays in volume {name}" for name in old.volumes))
    return Change(service=old.name, node_id=old.node_id, action="remove", reasons=reasons, downtime=True)


def _replaced_in_place(change: Change) -> Change:
    if change.action not in {"replace", "restart"}:
        return change
    return replace(change, reasons=(*change.reasons, "keeps the volume of its image"), downtime=True)


def _begun(change: Change, new: StackService, going: Collection[StackService]) -> Change:
    """Who adds a database again may think that it is the old one."""
    if change.action != "create" or not new.volumes:
        return change
    left = [f"the data of {old.name} stays in volume {', '.join(old.volumes)}" for old in going if old.volumes]
    return replace(change, reasons=(*change.reasons, "; ".join(["begins empty", *left]))) if left else change


def _change(old: StackService | None, new: StackService, new_values: set[str]) -> Change:
    action: Action = "create"
    reasons: tuple[str, ...] = ("new in the graph",)
    if old is not None:
        used = new_values.intersection(new.aspects.get("variables", "").split())
        reasons = tuple(_reasons(old, new))
        action = "replace" if reasons else "keep"
        if not reasons and used:
            action = "restart"
        reasons += tuple(f"{name} changed" for name in sorted({_said(name) for name in used}))
        if old.replicas != new.replicas:
            reasons += (f"{old.replicas} copies become {new.replicas}",)
    beside = new.starts_first and (old is None or old.name == new.name)
    return Change(
        service=new.name,
        node_id=new.node_id,
        action=action,
        reasons=reasons,
        downtime=action in {"replace", "restart"} and not beside,
    )


def _said(variable: str) -> str:
    """SECRET_DB_PASSWORD is what people know as DB_PASSWORD, and its form for URLs changes with it."""
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
        said = aspect.removeprefix(ENVIRONMENT)
        yield f"{said} {'added' if before is None else 'removed' if after is None else 'changed'}"


def _line(change: Change, width: int) -> str:
    why = f"  ({'; '.join(change.reasons)})" if change.reasons else ""
    return f"{change.action:<8} {change.service:<{width}}{'  downtime' if change.downtime else ''}{why}".rstrip()
