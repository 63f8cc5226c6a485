"""Decide what to do: wanted and observed in, operations with a cause out. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

from agents.runner.planning.model import Container, Target, containers_of
from agents.runner.planning.steps import REMOVE, RETIRE, UP, Operation, Step, removal_of, step_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do in order, and what is left as it is."""

    operations: tuple[Operation, ...]
    unchanged: tuple[str, ...]

    @property
    def leaving(self) -> frozenset[str]:
        """Return the containers that run on until all else is proven."""
        return frozenset(each for one in self.operations if one.kind == RETIRE for each in one.container_ids)

    def services(self, *kinds: str) -> frozenset[str]:
        """Return the services that operations of these kinds touch."""
        return frozenset(name for one in self.operations if one.kind in kinds for name in one.services)

    def text(self) -> str:
        """Return the plan for people, one line per step."""
        lines = [
            f"{number}. {operation.kind} {', '.join(operation.services)}: {'; '.join(operation.causes)}"
            for number, operation in enumerate(self.operations, start=1)
        ]
        if self.unchanged:
            lines.append(f"keep {', '.join(self.unchanged)}: unchanged and running")
        return "".join(f"{line}\n" for line in lines)


def make_plan(*, target: Target, observed: tuple[Container, ...]) -> Plan:
    """Start what the target lacks, each once what it needs answers; remove what does not belong as late as possible.

    A service that may start first gets its new copies beside the old ones, which leave when everything is proven; what
    needs it need not wait for them. One call for the whole stack where all of it is replaced by one deployment: Compose
    stops everything before it starts anything then, so that ports may go from one service to another.
    """
    dropped = _removals_of_dropped(target=target, observed=observed)
    steps = [step_for(service=service, target=target, observed=observed) for service in target.services]
    started = [step for step in steps if step.kind]
    unchanged = tuple(step.service.name for step in steps if not step.kind and not step.retired)
    from_one = not unchanged and len(set(target.owners.values())) == 1 and all(step.kind == UP for step in steps)
    whole = from_one and not target.has_jobs and all(containers_of(observed, step.service.name) for step in steps)
    starting = (_start(target, started, alone=False),) if started and whole else _by_needs(target, started)
    ends = [operation for step in steps for operation in step.retired]
    return Plan(
        operations=(
            *(operation for operation in dropped if operation.kind == REMOVE),
            *(operation for step in steps for operation in step.removed),
            *starting,
            *ends,
            *(operation for operation in dropped if operation.kind == RETIRE),
        ),
        unchanged=unchanged,
    )


def _removals_of_dropped(*, target: Target, observed: tuple[Container, ...]) -> list[Operation]:
    """Return removals of services that are not wanted: first those whose ports or data another may need."""
    gone = sorted({each.service for each in observed} - {service.name for service in target.services})
    operations = []
    for name in gone:
        found = containers_of(observed, name)
        kind = REMOVE if any(each.exclusive for each in found) else RETIRE
        operations.append(removal_of(kind, name, "is no longer part of the stack", found))
    return operations


def _by_needs(target: Target, steps: list[Step]) -> tuple[Operation, ...]:
    """Return the starts in order, together what waits for the same. Copies of what serves meanwhile hold nobody up."""
    waited_for = {step.service.name for step in steps if not step.served}
    needs = _waited_needs(target, waited_for)
    turns: dict[str, int] = {}
    for service in sorted(target.services, key=lambda each: each.level):
        turns[service.name] = max((turns[need] + 1 for need in needs[service.name]), default=0)

    def place(step: Step) -> tuple[int, str, str, list[str]]:
        name = step.service.name
        # Of one turn, what stops first comes first.
        return turns[name], target.owners[name], "" if step.kind == UP else step.kind, sorted(needs[name])

    groups = groupby(sorted(steps, key=place), key=place)
    return tuple(_start(target, list(group), alone=True, needs=tuple(where[-1])) for where, group in groups)


def _waited_needs(target: Target, waited_for: Collection[str]) -> dict[str, set[str]]:
    """Return what each service waits for, also by way of needs that are not started themselves.

    A need of the same level or above would be a circle and holds nobody up. Who names none, or a job, which has needs
    of its own, waits for all that lies below.
    """
    levels = {service.name: service.level for service in target.services}
    found: dict[str, set[str]] = {}
    for service in sorted(target.services, key=lambda each: each.level):
        below = {name for name, level in levels.items() if level < service.level}
        needed = below & set(service.needs) if service.needs and levels.keys() >= set(service.needs) else below
        ways = (found[need] if need not in waited_for else {need} for need in needed)
        found[service.name] = set().union(*ways)
    return found


def _start(target: Target, steps: list[Step], *, alone: bool, needs: tuple[str, ...] = ()) -> Operation:
    first = steps[0]
    return Operation(
        kind=first.kind,
        services=tuple(step.service.name for step in steps),
        causes=tuple(step.cause for step in steps),
        needs=needs,
        release=target.owners[first.service.name],
        alone=alone,
        copies={step.service.name: step.copies for step in steps},
    )
