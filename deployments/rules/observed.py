"""The state of a stack, folded from what its agent sees and what was deployed. Pure.

It is apart from the result of a deployment: that one was proven once, this one is true now or unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments.rules.conditions import ServiceCondition, StackCondition

# A container that has started again so lately is not trusted to stay up.
RESTARTING_MS = 60_000
# 128 and the number of SIGKILL.
KILLED = 137
# A task of a Swarm whose node does not answer, and one that no node takes.
LOST, WAITING = "lost", "waiting"
ABSENT = frozenset({LOST, WAITING})
# Services that a stack's sentence names; each says its own beside.
MAX_TOLD = 5


@dataclass(frozen=True, kw_only=True)
class MeantService:
    """A service as it was deployed."""

    name: str
    node_id: str
    copies: int


@dataclass(frozen=True, kw_only=True)
class ObservedContainer:
    """A container of the stack. `since_ms`: since when it is as it is.

    `started_ms`, `finished_ms`: what Docker knows, 0 for never. All times by the control plane's clock.
    `stack`: the Compose project it belongs to. `settings` and `shown`: by aspect, as hashes and in words.
    Of a task of a Swarm: `host` is the name of its node, `error` why it waits or others in its place failed.
    """

    id: str
    name: str
    service: str
    state: str
    health: str
    image: str
    exit_code: int = 0
    oom_killed: bool = False
    restarts: int = 0
    restarts_itself: bool = False
    since_ms: int = 0
    started_ms: int = 0
    finished_ms: int = 0
    stack: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    host: str = ""
    error: str = ""

    @property
    def is_absent(self) -> bool:
        """Whether it is a task that does not run for all that is known: without a place, or its node is down."""
        return self.state in ABSENT

    def setting(self, aspect: str) -> str:
        """Return the hash of how it is set up in this aspect; empty when nobody knows."""
        return dict(self.settings).get(aspect, "")

    def words_of(self, aspect: str) -> str:
        """Return how it is set up in words; empty where that may be secret."""
        return dict(self.shown).get(aspect, "")


@dataclass(frozen=True, kw_only=True)
class ObservedTask:
    """One copy of a service on a cluster. `state` is its condition, or `lost` or `waiting`."""

    name: str
    host: str
    state: str
    since_ms: int
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class ObservedService:
    """A service as it is seen. `message` says in words what is wrong; empty when nothing is. `tasks`: on a cluster."""

    name: str
    node_id: str
    condition: ServiceCondition
    running: int
    copies: int
    since_ms: int
    message: str = ""
    tasks: tuple[ObservedTask, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObservedState:
    """A stack as it is seen. `strangers` are containers with its labels that belong to no service of it."""

    condition: StackCondition
    since_ms: int
    message: str
    services: tuple[ObservedService, ...] = ()
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SeenStack:
    """A stack as it is seen; `seen_at` is when its agent was heard last, None for never."""

    state: ObservedState
    seen_at: datetime | None


def fold(
    *,
    meant: Sequence[MeantService],
    containers: Collection[ObservedContainer],
    changed: Mapping[str, int],
    now_ms: int,
) -> ObservedState:
    """Return what the containers amount to, held against what was deployed. The same containers give the same state."""
    names = {service.name for service in meant}
    services = tuple(
        _service(service, [each for each in containers if each.service == service.name], changed, now_ms)
        for service in meant
    )
    strangers = tuple(sorted(each.name for each in containers if each.service not in names))
    condition = _stack(services)
    return ObservedState(
        condition=condition,
        since_ms=max((service.since_ms for service in services), default=0),
        message=_message(condition, services),
        services=services,
        strangers=strangers,
    )


def _service(
    meant: MeantService, found: Sequence[ObservedContainer], changed: Mapping[str, int], now_ms: int
) -> ObservedService:
    absent = [each for each in found if each.is_absent]
    tasks = tuple(_task(each, now_ms=now_ms) for each in found if each.host or each.is_absent)
    found = [each for each in found if not each.is_absent]
    conditions = {each.id: condition_of(each, now_ms=now_ms) for each in found}
    running = sum(condition is ServiceCondition.RUNNING for condition in conditions.values())
    missing = len(found) < meant.copies
    order = list(ServiceCondition)
    worst = min(conditions.values(), key=order.index, default=ServiceCondition.GONE)
    condition = worst
    if found and missing and order.index(worst) > order.index(ServiceCondition.DEGRADED):
        condition = ServiceCondition.DEGRADED
    return ObservedService(
        name=meant.name,
        node_id=meant.node_id,
        condition=condition,
        running=running,
        copies=meant.copies,
        since_ms=changed.get(meant.name, 0),
        message=_service_message(meant, found, conditions, condition) + _why_absent(absent),
        tasks=tasks,
    )


def _task(task: ObservedContainer, *, now_ms: int) -> ObservedTask:
    state = task.state if task.is_absent else str(condition_of(task, now_ms=now_ms))
    return ObservedTask(name=task.name, host=task.host, state=state, since_ms=task.since_ms, message=task.error)


def _why_absent(absent: Sequence[ObservedContainer]) -> str:
    """Say of each node that is down, and of what no node takes, once; with a blank before it."""
    down = sorted({each.host for each in absent if each.state == LOST})
    why = sorted({each.error for each in absent if each.state == WAITING} - {""})
    said = [
        f"{', '.join(down)} {'is' if len(down) == 1 else 'are'} down." if down else "",
        *(f"{each}." for each in why),
    ]
    return "".join(f" {each}" for each in said if each)


def condition_of(container: ObservedContainer, *, now_ms: int) -> ServiceCondition:
    """Return how one container is. One that Docker would start again and that stays down was stopped by somebody."""
    if container.state == "restarting":
        return ServiceCondition.RESTARTING
    if container.state == "paused":
        return ServiceCondition.PAUSED
    if container.state in ("exited", "dead", "removing"):
        return ServiceCondition.STOPPED if container.restarts_itself else ServiceCondition.EXITED
    if container.state != "running":
        return ServiceCondition.STARTING
    if container.restarts and now_ms - container.since_ms < RESTARTING_MS:
        return ServiceCondition.RESTARTING
    if container.health == "unhealthy":
        return ServiceCondition.UNHEALTHY
    return ServiceCondition.STARTING if container.health == "starting" else ServiceCondition.RUNNING


def _stack(services: Sequence[ObservedService]) -> StackCondition:
    conditions = {service.condition for service in services}
    if not services:
        return StackCondition.NOTHING
    if conditions == {ServiceCondition.GONE}:
        return StackCondition.GONE
    if conditions == {ServiceCondition.STOPPED}:
        return StackCondition.STOPPED
    if ServiceCondition.RESTARTING in conditions:
        return StackCondition.RESTARTING
    if conditions - {ServiceCondition.RUNNING, ServiceCondition.STARTING}:
        return StackCondition.DEGRADED
    return StackCondition.STARTING if ServiceCondition.STARTING in conditions else StackCondition.RUNNING


def _message(condition: StackCondition, services: Sequence[ObservedService]) -> str:
    if condition is StackCondition.GONE:
        return "All of its containers are missing."
    if condition is StackCondition.STOPPED:
        return "All of its containers were stopped on the server."
    said = [service.message for service in sorted(services, key=_telling(condition)) if service.message]
    return " ".join([*said[:MAX_TOLD], f"And {len(said) - MAX_TOLD} more."] if len(said) > MAX_TOLD else said)


def _telling(condition: StackCondition) -> Callable[[ObservedService], tuple[bool, int]]:
    """Return how to sort services so that those come first that make the stack what it is, then the worst."""
    order = list(ServiceCondition)
    restarts = condition is StackCondition.RESTARTING
    return lambda each: (
        restarts and each.condition is not ServiceCondition.RESTARTING,
        order.index(each.condition),
    )


def _service_message(
    meant: MeantService,
    found: Sequence[ObservedContainer],
    conditions: Mapping[str, ServiceCondition],
    condition: ServiceCondition,
) -> str:
    if condition in (ServiceCondition.GONE, ServiceCondition.DEGRADED):
        return f"{meant.name}: {_missing(found=len(found), copies=meant.copies)}."
    told = next((each for each in found if conditions[each.id] is condition), None)
    if told is None or condition in (ServiceCondition.RUNNING, ServiceCondition.STARTING):
        return ""
    return f"{meant.name} {_in_words(told, condition)}."


def _missing(*, found: int, copies: int) -> str:
    if copies == 1:
        return "its container is missing"
    if not found:
        return f"all {copies} containers are missing"
    return f"{copies - found} of {copies} containers {'is' if copies - found == 1 else 'are'} missing"


def _in_words(container: ObservedContainer, condition: ServiceCondition) -> str:
    if condition is ServiceCondition.RESTARTING:
        return f"keeps restarting ({_times(container.restarts)}): it {_end_of(container)}"
    if condition is ServiceCondition.UNHEALTHY:
        return "runs, but its health check fails"
    if condition is ServiceCondition.STOPPED:
        return "was stopped on the server"
    if condition is ServiceCondition.PAUSED:
        return "was paused on the server"
    return _end_of(container)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _end_of(container: ObservedContainer) -> str:
    if container.oom_killed:
        return f"ran out of memory and exited with code {container.exit_code}"
    if container.exit_code == KILLED:
        return f"was killed (exit code {KILLED}), by somebody or for lack of memory"
    return f"exited with code {container.exit_code}"
