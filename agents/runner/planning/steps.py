"""What one service needs to come to its target. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agents.runner.planning.differences import difference_from_target, matches_target
from agents.runner.planning.model import (
    CREATED,
    RUNNING,
    SOUND,
    UNHEALTHY,
    Container,
    Target,
    WantedService,
    containers_of,
)

REMOVE = "remove"
UP = "up"
ADD = "add"
RETIRE = "retire"
STARTING = frozenset({UP, ADD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step: `remove` at once; `up`, replacing what runs; `add` beside what runs; `retire` once all else is proven.

    `needs`: services of other operations that must answer before this one begins; `alone`: only these services, not
    what they depend on; `release`: whose files and secrets to use; `copies`: how many containers each service has
    afterwards, old ones included.
    """

    kind: str
    services: tuple[str, ...]
    causes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    release: str = ""
    alone: bool = True
    container_ids: tuple[str, ...] = ()
    copies: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one service needs: containers to remove first, what to start and how, containers that leave in the end.

    `served`: something sound of it runs all the while, so what needs it need not wait for its new copies.
    """

    service: WantedService
    cause: str = ""
    kind: str = ""
    copies: int = 0
    served: bool = False
    removed: tuple[Operation, ...] = ()
    retired: tuple[Operation, ...] = ()


def take_ready(
    waiting: Sequence[Operation], *, is_ready: Callable[[Operation], bool]
) -> tuple[Operation | None, tuple[Operation, ...]]:
    """Return the next operation to carry out and those that wait on: of the ready ones what fits into one call."""
    first = next((each for each in waiting if is_ready(each)), None)
    if first is None:
        return None, tuple(waiting)
    alike = [each for each in waiting if each is first or (_fit(first, each) and is_ready(each))]
    merged = replace(
        first,
        services=tuple(name for each in alike for name in each.services),
        causes=tuple(cause for each in alike for cause in each.causes),
        copies={name: count for each in alike for name, count in each.copies.items()},
    )
    return merged, tuple(each for each in waiting if each not in alike)


def _fit(one: Operation, other: Operation) -> bool:
    return (one.kind, one.release, one.alone) == (other.kind, other.release, other.alone)


def step_for(*, service: WantedService, target: Target, observed: tuple[Container, ...]) -> Step:
    """Return what the service needs, from what is observed alone: so it is right after a crash at any moment, too."""
    found = containers_of(observed, service.name)
    # Never started, it may lack a network or a file that Compose had still to add.
    removed = _removals(service, "was only half made", tuple(each for each in found if each.state == CREATED))
    found = tuple(each for each in found if each.state != CREATED)
    cause = _cause(service=service, target=target, observed=found)
    right = tuple(each for each in found if matches_target(each, service, target))
    wrong = tuple(each for each in found if each not in right)
    if wrong and not service.starts_first:
        left_over = wrong if right else ()
        removed += _removals(service, "was left over by an interrupted change", left_over)
        staying = tuple(each for each in found if each not in left_over)
        cause = _cause(service=service, target=target, observed=staying)
        return Step(service=service, cause=cause, kind=UP if cause else "", copies=service.replicas, removed=removed)
    removed += _removals(service, "does not run", tuple(each for each in wrong if each.state != RUNNING))
    running = tuple(each for each in wrong if each.state == RUNNING)
    surplus = _keep_order(right)[service.replicas :]
    missing = max(0, service.replicas - len(right))
    present = len(right) + len(running)
    why = "is replaced" if running else f"has {len(right)} of {service.replicas} containers"
    kind = _start_kind(cause=cause, right=right, missing=missing, present=present)
    return Step(
        service=service,
        cause=cause,
        kind=kind,
        copies=present + missing,
        served=kind == ADD and any(each.state == RUNNING and each.health in SOUND for each in found),
        removed=removed,
        retired=tuple([removal_of(RETIRE, service.name, why, (*running, *surplus))] if running or surplus else ()),
    )


def _cause(*, service: WantedService, target: Target, observed: tuple[Container, ...]) -> str:
    cause = difference_from_target(service=service, target=target, observed=observed)
    keeps = cause and observed and service.image_volumes
    return f"{cause} (keeps the volume of its image)" if keeps else cause


def _start_kind(*, cause: str, right: tuple[Container, ...], missing: int, present: int) -> str:
    """Return ADD where something of the service stays or runs on; UP also waits for what is there to become sound."""
    if not cause:
        return ""
    if present and (missing or present > len(right)):
        stopped = any(each.state != RUNNING for each in right)
        return ADD if missing or stopped else ""
    sound = all(each.state == RUNNING and each.health != UNHEALTHY for each in right)
    return "" if right and sound else UP


def _removals(service: WantedService, cause: str, containers: tuple[Container, ...]) -> tuple[Operation, ...]:
    return (removal_of(REMOVE, service.name, cause, containers),) if containers else ()


def _keep_order(containers: tuple[Container, ...]) -> tuple[Container, ...]:
    """Return those to keep first: what is sound, then what is oldest."""

    def worth(container: Container) -> tuple[bool, bool, int, str]:
        stopped, unhealthy = container.state != RUNNING, container.health == UNHEALTHY
        return stopped, unhealthy, container.number, container.id

    return tuple(sorted(containers, key=worth))


def removal_of(kind: str, name: str, cause: str, containers: tuple[Container, ...]) -> Operation:
    ids = tuple(each.id for each in containers)
    return Operation(kind=kind, services=(name,), causes=(f"{name} {cause}",), container_ids=ids)
