"""Bring a stack of a Swarm to its target: `docker stack deploy`, then watch its tasks until all is proven."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from agents.runner.commands.context import Work
from agents.runner.commands.pulling import signed_in
from agents.runner.commands.swarm import stack_observed
from agents.runner.commands.swarm.lane_state import Lane
from agents.runner.commands.swarm.manager_api import NO_LEADER, ManagerApi
from agents.runner.commands.swarm.registry_wait import waited_for_registry
from agents.runner.commands.swarm.stack_file import stack_document, volume_services
from agents.runner.commands.swarm.swarm_model import Seen, StackTarget, SwarmTask
from agents.runner.commands.swarm.task_gate import SwarmFailure, TaskGate, fresh_of
from agents.runner.commands.swarm.watch_clock import WatchClock
from agents.runner.control_plane.reports import DEPLOYING, HEALTH_CHECKING
from agents.runner.errors import StepFailedError
from agents.runner.planning import progress
from agents.runner.planning.model import Release
from agents.runner.policy.stack_check import check_stack

# Swarm tells no events of tasks.
LOOK_SECONDS = 0.5
# By one command: after losses of nodes, and after what came late.
MAX_HANDED_AGAIN = 10
DEPLOY_SECONDS = 120.0
# A service changed between being read and written, for which Swarm's own note of its update is enough.
OUT_OF_SEQUENCE = "out of sequence"
MAX_OUT_OF_SEQUENCE = 10
GONE_SECONDS = 180.0
LOG_LINES = 30
STARTED = frozenset({"preparing", "ready", "starting", "running"})


@dataclass(frozen=True, kw_only=True)
class SwarmWork:
    """A command's work on a stack of a Swarm. `lane` is held by it."""

    work: Work
    api: ManagerApi
    lane: Lane
    number: int


def open_swarm(work: Work, *, stack: str) -> SwarmWork:
    """Return the way to the stack. Raises StepFailedError where this server is no manager."""
    api = ManagerApi(work)
    command = work.command
    lane = Lane(api=api, stack=stack, lane=command.lane, project_id=command.project_id, number=command.number)
    return SwarmWork(work=work, api=api, lane=lane, number=command.number)


def apply_target(
    *,
    swarm: SwarmWork,
    release: Release,
    target: StackTarget,
    window: float,
    fresh: Collection[str] | None = None,
    patient: bool = False,
) -> tuple[Seen, StackTarget]:
    """Have the stack run at the target and prove it; return what runs, and the target with its volumes' places.

    A volume whose place is not known yet belongs to the node where its task runs, from then on; what the target says of
    places goes before what the lane remembers. `fresh`: services that run for the whole window. `patient`: see
    TaskGate. Raises StepFailedError, InterruptedWorkError or TakenOverError.
    """
    check_stack(release=release, policy=swarm.work.policy)
    target = replace(target, places={**swarm.lane.state.places, **target.places})
    _deploy(swarm, release, target)
    swarm.work.reporter.stage(HEALTH_CHECKING, progress.WATCHING, "Checking health.")
    made = frozenset(fresh if fresh is not None else fresh_of(target, deployment_id=release.deployment_id))
    gate = TaskGate(target=target, deadline=release.health_deadline, window=window, fresh=made, patient=patient)
    seen = _watch(swarm, release, target, gate)
    found = _new_places(release, target, seen)
    if not found:
        return seen, target
    placed = replace(target, places={**target.places, **found})
    # Written down before the file says so: from here on nothing starts elsewhere with an empty volume.
    swarm.lane.note(places={**swarm.lane.state.places, **found})
    _deploy(swarm, release, placed)
    gate = TaskGate(target=placed, deadline=release.health_deadline, window=0.0, fresh=frozenset(), patient=patient)
    return _watch(swarm, release, placed, gate), placed


def _deploy(swarm: SwarmWork, release: Release, target: StackTarget, *, again: int = 0) -> None:
    """Run `docker stack deploy`; again while the Swarm has no leader."""
    work = swarm.work
    document = stack_document(release=release, target=target, number=swarm.number, again=again)
    work.reporter.stage(DEPLOYING, progress.APPLYING, "Handing the stack to the Swarm.")
    # Nodes are handed the logins with the services, so that each can pull, also much later.
    files = work.releases.stack_files(release=release, document=document)
    with signed_in(work=work, release=release) as signed, files as folder:
        _hand_over(swarm, signed, release, folder)


def _hand_over(swarm: SwarmWork, signed: Work, release: Release, folder: Path) -> None:
    values = signed.vault.values(release=release, interrupt=signed.interrupt)
    for failures in count(1):
        swarm.lane.check()
        ended, tail = signed.commands.stack_deploy(
            stack=release.stack, folder=folder, values=values, deadline=DEPLOY_SECONDS, interrupt=signed.interrupt
        )
        if ended.code == 0 and not ended.late:
            return
        why, said = tail[-1] if tail else f"exit code {ended.code}", "\n".join(tail)
        if ended.late or NO_LEADER.search(said):
            swarm.api.wait_for_leader(why, failures=failures)
        elif OUT_OF_SEQUENCE in said and failures < MAX_OUT_OF_SEQUENCE:
            signed.interrupt.pause(LOOK_SECONDS)
        else:
            raise StepFailedError("apply", f"docker stack deploy failed: {why}", log_tail=tail)


def _watch(swarm: SwarmWork, release: Release, target: StackTarget, gate: TaskGate) -> Seen:
    work, clock, again = swarm.work, WatchClock(swarm.work.clock), count(1)
    asked: set[str] = set()
    while True:
        swarm.lane.check()
        seen = swarm.api.look(release.stack)
        at = clock.at(seen=seen)
        failure = gate.look(seen=seen, at=at)
        _tell_lost(swarm, gate.take_lost(seen=seen))
        work.reporter.services(
            stack_observed.describe(service=service, seen=seen, target=target) for service in release.services
        )
        if failure is not None:
            if not _was_registry(swarm, release, target, failure, first=failure.service not in asked):
                raise _as_error(swarm, failure)
            asked.add(failure.service)
            # Swarm has paused the update by now: handing the file over makes it go on.
            _deploy(swarm, release, target, again=next(again))
            gate.forgive(service=failure.service, seen=swarm.api.look(release.stack))
            continue
        if (gate.take_stuck(seen=seen) or _is_overwritten(swarm, seen)) and (times := next(again)) <= MAX_HANDED_AGAIN:
            _deploy(swarm, release, target, again=times)
            continue
        if gate.passed(seen=seen, at=at):
            return seen
        waiting = ", ".join(gate.waiting_for()) or "the end of the window"
        work.reporter.wait_for(f"{waiting} in the Swarm")
        work.interrupt.pause(LOOK_SECONDS)


def _is_overwritten(swarm: SwarmWork, seen: Seen) -> bool:
    """Tell whether somebody who had the lane before was held up on the way to the Swarm, and came after us."""
    return any(service.number < swarm.number for service in seen.services)


def _tell_lost(swarm: SwarmWork, nodes: list[str]) -> None:
    for name in nodes:
        text = f"The node {name} was lost. Swarm starts elsewhere what ran there, and the time for that begins anew.\n"
        swarm.work.reporter.log(source="agent", text=text)


def _was_registry(
    swarm: SwarmWork, release: Release, target: StackTarget, failure: SwarmFailure, *, first: bool
) -> bool:
    """Tell whether tasks had no image because its registry was away, and it is there again."""
    if failure.reason != "image":
        return False
    with signed_in(work=swarm.work, release=release) as signed:
        image = target.images[failure.service]
        return waited_for_registry(
            work=signed, api=swarm.api, lane=swarm.lane, service=failure.service, image=image, first=first
        )


def _as_error(swarm: SwarmWork, failure: SwarmFailure) -> StepFailedError:
    tail: tuple[str, ...] = ()
    if failure.task_id:
        tail = swarm.work.commands.task_log(task_id=failure.task_id, lines=LOG_LINES, interrupt=swarm.work.interrupt)
    return StepFailedError(failure.reason, failure.message, service=failure.service, log_tail=tail)


def _new_places(release: Release, target: StackTarget, seen: Seen) -> dict[str, str]:
    """Return the nodes of volumes whose place is not known yet: where their services' tasks have come to run."""
    found = {}
    for name, volumes in volume_services(release).items():
        nodes = sorted({task.node_id for task in seen.tasks_of(name) if seen.is_up(task)})
        found.update({volume: nodes[0] for volume in volumes if nodes and volume not in target.places})
    return found


def remove_stack(*, swarm: SwarmWork, stack: str) -> None:
    """Remove all services of the stack, and wait until nothing of it runs on any node that is not lost."""
    for service in swarm.api.look(stack).services:
        swarm.lane.check()
        swarm.api.remove_service(service.id)
    clock = WatchClock(swarm.work.clock)
    while left := _still_there(seen := swarm.api.look(stack)):
        if clock.at(seen=seen) >= GONE_SECONDS:
            raise StepFailedError("apply", f"{left} could not be removed within {GONE_SECONDS:.0f} s.")
        swarm.work.interrupt.pause(LOOK_SECONDS)


def _still_there(seen: Seen) -> str:
    running = [task.id for task in seen.tasks if task.state in STARTED and _is_reached(seen, task)]
    return ", ".join(each.full_name for each in seen.services) or (f"The task {running[0]}" if running else "")


def _is_reached(seen: Seen, task: SwarmTask) -> bool:
    node = seen.nodes.get(task.node_id)
    return node is not None and not node.is_lost


def tidy(*, swarm: SwarmWork, release: Release, networks_before: Collection[str] | None = None) -> None:
    """Remove configs and networks of the stack that nothing uses any more; volumes always stay.

    `networks_before`: remove those alone that are not among these. Docker itself refuses what is in use.
    """
    for config_id in swarm.api.stack_configs(release.stack).values():
        swarm.api.remove_config(config_id)
    keep = set(networks_before) if networks_before is not None else _networks_of(release)
    for name, network_id in swarm.api.networks(release.stack).items():
        if name not in keep:
            swarm.api.remove_network(network_id)


def _networks_of(release: Release) -> set[str]:
    if not release.services:
        return set()
    document = stack_observed.networks_of(release)
    return {f"{release.stack}_{name}" for name in document}
