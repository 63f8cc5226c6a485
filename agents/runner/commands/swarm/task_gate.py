"""The proof of a stack in a Swarm: judges looks at it until every service has proven itself, or one has failed. Pure.

Swarm's own counts are not asked: while a node is down they are wrong. Tasks are joined with the state of their nodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agents.runner.commands.swarm.swarm_model import (
    ENDED,
    NOT_UP_YET,
    PAUSED,
    PENDING,
    REJECTED,
    Seen,
    StackTarget,
    SwarmTask,
    digest_of,
)
from agents.runner.planning.model import WantedService

FAILURES_ALLOWED = 2
# What cannot be placed may be told so for a moment, while what it replaces still goes.
UNPLACED_SECONDS = 6.0
# The engine's words for a task whose health check failed.
UNHEALTHY = "unhealthy container"
NO_IMAGE = "No such image"
# The node still lets go of a network that was removed, and Swarm has given its addresses to the next one already.
PASSING = re.compile(r"\boverlaps with other one\b")
NOT_STARTED = re.compile(r"^starting container\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmFailure:
    """A service that will not come up, in words; `task_id` of the task to ask for its last lines, empty for none."""

    service: str
    message: str
    reason: str = "unhealthy"
    task_id: str = ""


@dataclass(slots=True, kw_only=True)
class TaskGate:
    """Remembers since when tasks run, fail and wait. `at` is any clock that only rises, in seconds.

    A service among `fresh` has to run for the whole window, and fails with the first health check that does; the others
    ran before. When a node is lost meanwhile, all deadlines begin anew, once for each node: Swarm notices it late.
    `patient`: what a node cannot start, with its full disk, say, has its whole deadline to come up on another one.
    """

    target: StackTarget
    deadline: float
    window: float
    fresh: frozenset[str]
    patient: bool = False
    _running_since: dict[str, float] = field(default_factory=dict)
    _unsound_since: dict[str, float] = field(default_factory=dict)
    _unplaced_since: dict[tuple[str, str], float] = field(default_factory=dict)
    _failures_before: dict[str, frozenset[str]] = field(default_factory=dict)
    _sound_since: dict[str, float] = field(default_factory=dict)
    _alive: set[str] = field(default_factory=set)
    _lost: set[str] = field(default_factory=set)
    _untold: set[str] = field(default_factory=set)
    _given_up: set[str] = field(default_factory=set)

    def look(self, *, seen: Seen, at: float) -> SwarmFailure | None:
        """Take in a look; return the first service, in start order, that failed."""
        self._note_nodes(seen)
        services = sorted(self.target.services, key=lambda each: each.level)
        failures = [self._look_at(service, seen, at) for service in services]
        return next((failure for failure in failures if failure), None)

    def passed(self, *, seen: Seen, at: float) -> bool:
        """Tell whether all run at the target for as long as they must, and nothing else of the stack is there."""
        wanted = {service.name for service in self.target.services}
        if {each.name for each in seen.services} != wanted:
            return False
        return all(name in self._sound_since and at - self._sound_since[name] >= self._window(name) for name in wanted)

    def forgive(self, *, service: str, seen: Seen) -> None:
        """Let what has ended of the service by now count no more, and its deadline begin anew."""
        ended = [task.id for task in seen.tasks_of(service) if task.state in ENDED]
        self._failures_before[service] = frozenset(ended)
        self._unsound_since.pop(service, None)

    def take_lost(self, *, seen: Seen) -> list[str]:
        """Return the names of the nodes that were lost since this was asked last."""
        names = sorted(seen.node_name(node_id) for node_id in self._untold)
        self._untold.clear()
        return names

    def take_stuck(self, *, seen: Seen) -> bool:
        """Tell whether Swarm's update of a service has come to stand since this was asked last, and may be made go on.

        It waits for ever for a task that never ran as its node was lost, and pauses for one that a node cannot start.
        It goes on with a definition that differs.
        """
        names = [service.name for service in self.target.services]
        stuck = {task.id for name in names for task in self._never_ran(name, seen)}
        stuck |= {task.id for name in names for task in self._not_started(name, seen)}
        new = stuck - self._given_up
        self._given_up |= new
        return bool(new)

    def waiting_for(self) -> list[str]:
        """Return the services that are not as they should be yet, in start order."""
        return [each.name for each in self.target.services if each.name not in self._sound_since]

    def _note_nodes(self, seen: Seen) -> None:
        gone = {node.id for node in seen.nodes.values() if node.is_lost and node.id in self._alive} - self._lost
        self._alive |= {node.id for node in seen.nodes.values() if not node.is_lost}
        if gone:
            self._lost |= gone
            self._untold |= gone
            self._unsound_since.clear()
            self._unplaced_since.clear()

    def _never_ran(self, name: str, seen: Seen) -> list[SwarmTask]:
        return [
            task
            for task in seen.tasks_of(name)
            if self._is_target(name, task) and not task.wanted and task.state in NOT_UP_YET and _on_lost(task, seen)
        ]

    def _not_started(self, name: str, seen: Seen) -> list[SwarmTask]:
        if not self._is_paused(name, seen):
            return []
        before = self._failures_before.get(name, frozenset())
        ended = [task for task in seen.tasks_of(name) if task.state in ENDED and self._is_target(name, task)]
        return [task for task in ended if task.id not in before and self._may_pass(task)]

    def _may_pass(self, task: SwarmTask) -> bool:
        """Tell whether the service may come up all the same, after this end, until its deadline."""
        return _is_of_its_node(task) and (self.patient or bool(PASSING.search(task.error)))

    def _window(self, name: str) -> float:
        return self.window if name in self.fresh else 0.0

    def _look_at(self, service: WantedService, seen: Seen, at: float) -> SwarmFailure | None:
        name = service.name
        mine = [task for task in seen.tasks_of(name) if self._is_target(name, task)]
        up = [task for task in mine if seen.is_up(task)]
        for task in up:
            self._running_since.setdefault(task.id, at)
        others = [task for task in seen.tasks_of(name) if seen.is_up(task) and not self._is_target(name, task)]
        if len(up) == service.replicas and not others and not self._is_paused(name, seen):
            self._sound_since[name] = max((self._running_since[task.id] for task in up), default=at)
            self._unsound_since.pop(name, None)
            self._unplaced_since = {key: since for key, since in self._unplaced_since.items() if key[0] != name}
            return None
        self._sound_since.pop(name, None)
        return self._trouble(service, seen, mine, at)

    def _is_target(self, name: str, task: SwarmTask) -> bool:
        return task.owner == self.target.owners[name] and task.image == self.target.images[name]

    def _is_paused(self, name: str, seen: Seen) -> bool:
        found = seen.service(name)
        return found is not None and found.update_state in PAUSED

    def _trouble(self, service: WantedService, seen: Seen, mine: list[SwarmTask], at: float) -> SwarmFailure | None:
        name = service.name
        ended = [task for task in mine if task.state in ENDED]
        before = self._failures_before.setdefault(name, frozenset(task.id for task in ended))
        new = [task for task in ended if task.id not in before]
        last = max(new, key=lambda task: task.changed_at, default=None)
        lasting = [task for task in new if not PASSING.search(task.error)]
        if last and not self._may_pass(last) and (failure := self._failed(name, seen, lasting, last)):
            return failure
        if message := self._unplaced(name, seen, mine, at):
            return SwarmFailure(service=name, message=message)
        if at - self._unsound_since.setdefault(name, at) >= self.deadline:
            up = sum(seen.is_up(task) for task in mine)
            message = f"{name} has {up} of {service.replicas} tasks running and healthy after {self.deadline:.0f} s."
            message += _away(seen, mine) + (f" The last one ended{_where(seen, last)}{_why(last)}." if last else "")
            return SwarmFailure(service=name, message=message, task_id=last.id if last else "")
        return None

    def _failed(self, name: str, seen: Seen, new: list[SwarmTask], last: SwarmTask) -> SwarmFailure | None:
        """Return that the service fails, of the tasks that have ended; `last` is the last one of them."""
        if name in self.fresh and UNHEALTHY in last.error:
            return _ended(name, seen, last, f"{name} runs, but its health check fails")
        if len(new) > FAILURES_ALLOWED:
            return _ended(name, seen, last, f"{name} does not stay up: {len(new)} tasks have ended")
        if self._is_paused(name, seen):
            return _ended(name, seen, last, f"{name} does not come up, so Swarm has paused its update: a task ended")
        return None

    def _unplaced(self, name: str, seen: Seen, mine: list[SwarmTask], at: float) -> str:
        """Return why a task of the service has no node, once that has been so for a while."""
        stuck = {task.error for task in mine if task.wanted and task.state == PENDING and task.error}
        for key in [each for each in self._unplaced_since if each[0] == name and each[1] not in stuck]:
            del self._unplaced_since[key]
        for error in sorted(stuck):
            if at - self._unplaced_since.setdefault((name, error), at) >= UNPLACED_SECONDS:
                return f"{name} cannot be placed: {error}.{_down(seen)}"
        return ""


def fresh_of(target: StackTarget, *, deployment_id: str) -> frozenset[str]:
    """Return the services whose tasks this deployment makes."""
    return frozenset(name for name, owner in target.owners.items() if owner == deployment_id)


def difference_from(*, target: StackTarget, seen: Seen) -> str:
    """Return in words what does not run as wanted in this one look; empty when all does."""
    gate = TaskGate(target=target, deadline=float("inf"), window=0.0, fresh=frozenset())
    gate.look(seen=seen, at=0.0)
    if missing := gate.waiting_for():
        return f"{missing[0]} does not run as it should"
    return "" if gate.passed(seen=seen, at=0.0) else "something else of the stack is there"


def _ended(name: str, seen: Seen, task: SwarmTask, what: str) -> SwarmFailure:
    missing = NO_IMAGE in task.error
    digest = digest_of(task.image)
    hint = f" The image {digest or task.image} is neither there nor could it be pulled." if missing else ""
    return SwarmFailure(
        service=name,
        message=f"{what}{_where(seen, task)}{_why(task)}.{hint}",
        reason="image" if missing else "unhealthy",
        task_id=task.id,
    )


def _where(seen: Seen, task: SwarmTask) -> str:
    return f" on {seen.node_name(task.node_id)}" if task.node_id else ""


def _why(task: SwarmTask) -> str:
    if task.error:
        return f" ({task.error})"
    if task.exit_code:
        return f" (exited with code {task.exit_code})"
    # Of a program that ends well when it is told to, Swarm does not tell that its health check was why.
    return " (exited with code 0: by itself, or because its health check failed)"


def _away(seen: Seen, tasks: list[SwarmTask]) -> str:
    lost = sorted({seen.node_name(each.node_id) for each in tasks if _is_lost(each, seen)})
    return f" {_sentence(lost)}" if lost else ""


def _is_lost(task: SwarmTask, seen: Seen) -> bool:
    node = seen.nodes.get(task.node_id)
    return task.wanted and node is not None and not node.is_ready


def _is_of_its_node(task: SwarmTask) -> bool:
    """Tell whether it ended because its node could not start it; an image that cannot be had is no node's fault."""
    not_begun = task.state == REJECTED or bool(NOT_STARTED.search(task.error))
    return not_begun and NO_IMAGE not in task.error


def _on_lost(task: SwarmTask, seen: Seen) -> bool:
    node = seen.nodes.get(task.node_id)
    return node is None or node.is_lost


def _down(seen: Seen) -> str:
    down = sorted(node.name for node in seen.nodes.values() if not node.is_ready)
    drained = sorted(node.name for node in seen.nodes.values() if node.is_ready and not node.is_active)
    words = [_sentence(down)] if down else []
    words += [f"No new task goes to {', '.join(drained)}."] if drained else []
    return "".join(f" {each}" for each in words)


def _sentence(names: list[str]) -> str:
    return f"The node {names[0]} is down." if len(names) == 1 else f"The nodes {', '.join(names)} are down."
