"""Put back what ran on the Swarm before a release: the whole stack, by its digests, or nothing where nothing ran.

Volumes always stay.
"""

from __future__ import annotations

import sqlite3

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.going_back import Restored, note_restored
from agents.runner.commands.outages import retry_until_done
from agents.runner.commands.swarm.stack_apply import SwarmWork, apply_target, remove_stack, tidy
from agents.runner.commands.swarm.stack_observed import describe_all
from agents.runner.commands.swarm.stack_records import StackRecords
from agents.runner.errors import InterruptedWorkError, StepFailedError, TakenOverError
from agents.runner.journal.releases import Phase
from agents.runner.planning.model import Release
from agents.runner.planning.observed import step


def restore_base(*, swarm: SwarmWork, release: Release) -> None:
    """Go back from a release that failed, if the project asks for it; end with the command's last report."""
    work, state = swarm.work, swarm.lane.state
    finished = pb.CommandFinished(
        reason=str(state.failure.get("reason", "internal")),
        message=str(state.failure.get("message", "")),
        failed_service=str(state.failure.get("service", "")),
        log_tail=state.failure.get("log_tail", ()),
    )
    if release.pinned and not state.touched:
        _finish_failed(swarm, finished, " Nothing was touched.")
        return
    if not release.restore_on_failure:
        _finish_failed(swarm, finished, ' The failed version was left running because "Restore on failure" is off.')
        return
    if state.touched and state.base:
        work.reporter.restore_started(
            reason=finished.reason,
            message=finished.message,
            service=finished.failed_service,
            log_tail=finished.log_tail,
        )
    try:
        restored = retry_until_done(work=work, attempt=lambda: restore(swarm=swarm, release=release))
        swarm.lane.note(phase=Phase.REVERTED, current=state.base)
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except Exception as error:
        work.interrupt.check()
        _finish_failed(swarm, finished, f" What ran before could not be put back: {error}")
        return
    note_restored(finished, restored)
    work.reporter.finished(finished, also=lambda: None)


def restore(*, swarm: SwarmWork, release: Release) -> Restored:
    """Go back to what ran before this release, and prove it. Safe to repeat. Raises StepFailedError."""
    state = swarm.lane.state
    if not state.touched:
        return Restored(services=[], previous_running=bool(state.base or state.strangers))
    if state.strangers:
        raise StepFailedError("internal", "What ran before is of no deployment that is known in this Swarm.")
    if not state.base:
        remove_stack(swarm=swarm, stack=release.stack)
        tidy(swarm=swarm, release=release, networks_before=state.networks)
        removed = [step(service, "removed") for service in release.services]
        for service in removed:
            swarm.work.reporter.service(service)
        return Restored(services=removed, previous_running=False)
    return reapply(swarm=swarm, deployment_id=state.base)


def reapply(*, swarm: SwarmWork, deployment_id: str) -> Restored:
    """Have this release run exactly as it was proven once; tasks that still do are kept.

    A node that cannot start it, as its disk is full, say, does not end the way back while others can.
    """
    record = StackRecords(api=swarm.api, stack=swarm.lane.stack).find(deployment_id)
    if record is None:
        raise StepFailedError("internal", "What ran before is no longer kept in the Swarm.")
    if not record.release.services:
        remove_stack(swarm=swarm, stack=swarm.lane.stack)
        return Restored(services=[], previous_running=False)
    seen, target = apply_target(
        swarm=swarm, release=record.release, target=record.target, window=0.0, fresh=frozenset(), patient=True
    )
    tidy(swarm=swarm, release=record.release)
    services = describe_all(target=target, seen=seen)
    return Restored(services=services, previous_running=bool(services))


def _finish_failed(swarm: SwarmWork, finished: pb.CommandFinished, remark: str) -> None:
    finished.outcome = pb.FAILED
    finished.message += remark
    finished.touched = swarm.lane.state.touched
    try:
        swarm.lane.note(phase=Phase.FAILED)
    except TakenOverError as error:
        finished.message = str(error)
    swarm.work.reporter.finished(finished, also=lambda: None)
