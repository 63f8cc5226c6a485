"""The deploy command where the target is a Swarm. Every step may be done again, by this agent or another manager's."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import replace

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.outages import retry_through_outages
from agents.runner.commands.swarm.registry_cleanup import clean_registry
from agents.runner.commands.swarm.stack_apply import SwarmWork, apply_target, open_swarm, remove_stack, tidy
from agents.runner.commands.swarm.stack_images import image_data, references, warn_of_data
from agents.runner.commands.swarm.stack_moves import check_moves, moved_places, tell_moves
from agents.runner.commands.swarm.stack_observed import describe_all
from agents.runner.commands.swarm.stack_records import StackRecord, StackRecords
from agents.runner.commands.swarm.stack_restore import restore_base
from agents.runner.commands.swarm.swarm_model import Seen, StackTarget
from agents.runner.commands.swarm.task_gate import fresh_of
from agents.runner.control_plane.reports import BUILDING, COMPLETED, masked_tail, masked_text
from agents.runner.errors import InterruptedWorkError, StepFailedError, TakenOverError, UnavailableError
from agents.runner.journal.releases import Phase
from agents.runner.planning import progress
from agents.runner.planning.codec import release_of
from agents.runner.planning.model import Release
from agents.runner.planning.observed import step
from agents.runner.policy.stack_check import check_stack

logger = logging.getLogger(__name__)


def deploy_to_swarm(work: Work) -> None:
    """Bring the stack up (or down) on the Swarm and prove it, or put back what ran before; end with the last report.

    1. Names and policy are checked and the lane is claimed in the Swarm. A failure so far touched nothing.
    2. What the release is made of is kept in the Swarm; from then on any manager's agent can go on from here.
    3. The stack is handed to the Swarm and its tasks are watched until they prove it.
    4. Proven: the lane's state says so first, then the last report. A crash between the two proves it again.
    5. Failed: the reason is noted in the Swarm, what ran before is put back, then comes the last report.

    Who finds that another agent has taken over changes nothing more and puts nothing back.
    """
    if not work.command.deploy.built_images:
        # Else this stage is over.
        work.reporter.stage(BUILDING, progress.BEGUN, "Agent started.")
    try:
        release = release_of(work.command)
        _refuse_unsupported(release)
        check_stack(release=release, policy=work.policy)
        swarm = open_swarm(work, stack=release.stack)
        _begin(swarm, release)
    except (StepFailedError, UnavailableError, TakenOverError) as error:
        _finish_untouched(work, error)
        return
    try:
        if swarm.lane.state.phase is not Phase.FAILING:
            seen, target = retry_through_outages(work=work, attempt=lambda: _bring_up(swarm, release))
            _succeed(swarm, release, seen, target)
            return
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except TakenOverError as error:
        _finish_taken_over(work, error)
        return
    except Exception as error:  # whatever happened, what ran before must come back
        if not _note_failure(swarm, error):
            return
    restore_base(swarm=swarm, release=release)


def _refuse_unsupported(release: Release) -> None:
    if release.due_jobs:
        raise StepFailedError("invalid", "Jobs cannot be run in a cluster yet; take them out of the graph.")


def _begin(swarm: SwarmWork, release: Release) -> None:
    seen = swarm.api.look(release.stack)
    for service in seen.services:
        if (service.project_id, service.lane) != (release.project_id, release.lane):
            message = f"The Swarm has a stack {release.stack} that is not this project's; nothing was touched."
            raise StepFailedError("invalid", message, service=service.name)
    networks = tuple(sorted(swarm.api.networks(release.stack)))
    state = swarm.lane.read()
    if state.deployment != release.deployment_id:
        check_moves(release=release, seen=seen)
    known = state.current
    swarm.lane.begin(
        deployment_id=release.deployment_id, networks=networks, strangers=bool(seen.services) and not known
    )


def _bring_up(swarm: SwarmWork, release: Release) -> tuple[Seen, StackTarget]:
    record = _record(swarm, release)
    if not release.services:
        swarm.lane.note(phase=Phase.APPLYING, touched=True)
        remove_stack(swarm=swarm, stack=release.stack)
        return swarm.api.look(release.stack), record.target
    if not release.built:
        swarm.work.reporter.stage(BUILDING, progress.IMAGES_READY, "Every image is known by its digest.")
    swarm.lane.note(phase=Phase.APPLYING, touched=True)
    # Where the volumes are is written down when this is proven: what goes back goes where they were.
    target = replace(record.target, places=moved_places(release))
    return apply_target(swarm=swarm, release=release, target=target, window=release.health_window)


def _record(swarm: SwarmWork, release: Release) -> StackRecord:
    """Return what the release is made of: as it was kept when it began, or made up and kept now."""
    records = StackRecords(api=swarm.api, stack=release.stack)
    if kept := records.find(release.deployment_id):
        return kept
    for service in release.services:
        swarm.work.reporter.service(step(service, "waiting"))
    seen = swarm.api.look(release.stack)
    images = references(work=swarm.work, api=swarm.api, release=release, seen=seen, records=records)
    warn_of_data(work=swarm.work, release=release, images=images)
    tell_moves(work=swarm.work, release=release, state=swarm.lane.state, seen=seen)
    owners = {
        service.name: _owner(release, service.name, service.content_hash, images, seen) for service in release.services
    }
    target = StackTarget(services=release.services, owners=owners, images=images)
    fresh = fresh_of(target, deployment_id=release.deployment_id)
    text = "".join(f"  {name}: {'start' if name in fresh else 'keep'}\n" for name in sorted(owners))
    gone = "".join(f"  {each.name}: remove\n" for each in seen.services if each.name not in owners)
    swarm.work.reporter.log(source="agent", text=f"Plan:\n{text}{gone}")
    return records.keep(command=swarm.work.command, target=target)


def _owner(release: Release, name: str, content_hash: str, images: dict[str, str], seen: Seen) -> str:
    """Return the deployment by whose file the service runs: the one that it runs by already, where nothing changes."""
    runs = seen.service(name)
    same = runs is not None and runs.content_hash == content_hash and runs.image == images[name] and runs.owner
    if runs is None or not same or release.force or name in release.restarts:
        return release.deployment_id
    return runs.owner


def _succeed(swarm: SwarmWork, release: Release, seen: Seen, target: StackTarget) -> None:
    state = swarm.lane.state
    swarm.lane.note(
        phase=Phase.CURRENT, current=release.deployment_id, places=dict(target.places) or dict(state.places)
    )
    services = describe_all(target=target, seen=seen)
    fresh = fresh_of(target, deployment_id=release.deployment_id)
    settings = swarm.api.settings(release.stack)
    bare = image_data(work=swarm.work, release=release, images=target.images)
    for service in services:
        service.image_volumes.extend(bare.get(service.service_name, ()))
        service.started = service.service_name in fresh
        hashed, shown = settings.get(service.service_name, ({}, {}))
        service.settings.update(hashed)
        service.shown.update(shown)
    tidy(swarm=swarm, release=release)
    StackRecords(api=swarm.api, stack=release.stack).forget_all_but({release.deployment_id, state.base})
    if not release.built:
        # Else the builder did it.
        clean_registry(work=swarm.work, release=release, images=target.images)
    proven = "All services are running and healthy." if services else "Nothing of the stack runs any more."
    swarm.work.reporter.stage(COMPLETED, progress.DONE, proven)
    swarm.work.reporter.finished(pb.CommandFinished(outcome=pb.SUCCEEDED, services=services), also=lambda: None)


def _note_failure(swarm: SwarmWork, error: Exception) -> bool:
    """Note in the Swarm why, so that whoever goes on goes back, too. False where another agent has taken over."""
    work = swarm.work
    work.interrupt.check()
    failure = as_failure(error)
    logger.warning("deployment failed: %s", masked_text(failure.message, masker=work.masker))
    stored = {
        "reason": failure.reason,
        "message": masked_text(failure.message, masker=work.masker),
        "service": failure.service,
        "log_tail": masked_tail(failure.log_tail, masker=work.masker),
    }
    try:
        swarm.lane.note(phase=Phase.FAILING, failure=stored)
    except TakenOverError as taken:
        _finish_taken_over(work, taken)
        return False
    return True


def as_failure(error: Exception) -> StepFailedError:
    if isinstance(error, StepFailedError):
        return error
    if not isinstance(error, UnavailableError):
        logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return StepFailedError("internal", f"The agent could not go on: {error}")


def _finish_untouched(work: Work, error: Exception) -> None:
    work.interrupt.check()
    reason = error.reason if isinstance(error, StepFailedError) else "internal"
    finished = pb.CommandFinished(outcome=pb.FAILED, reason=reason, message=str(error))
    work.reporter.finished(finished, also=lambda: None)


def _finish_taken_over(work: Work, error: TakenOverError) -> None:
    finished = pb.CommandFinished(outcome=pb.FAILED, reason="internal", message=str(error), touched=True)
    work.reporter.finished(finished, also=lambda: None)
