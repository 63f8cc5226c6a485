"""The revert command where the target is a Swarm: put back what ran before the deployment, or see that it is there."""

from __future__ import annotations

import logging
import time

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.going_back import Restored, answer_revert
from agents.runner.commands.outages import retry_until_done
from agents.runner.commands.swarm.lane_state import LaneState
from agents.runner.commands.swarm.stack_apply import LOOK_SECONDS, SwarmWork, open_swarm
from agents.runner.commands.swarm.stack_moves import moved_places
from agents.runner.commands.swarm.stack_observed import describe_all
from agents.runner.commands.swarm.stack_records import StackRecord, StackRecords
from agents.runner.commands.swarm.stack_restore import reapply, restore
from agents.runner.commands.swarm.swarm_model import Seen
from agents.runner.commands.swarm.task_gate import difference_from
from agents.runner.errors import StepFailedError
from agents.runner.journal.releases import Phase

# Swarm misses a silent node within half of that.
UNHEARD_SECONDS = 60.0
logger = logging.getLogger(__name__)


def revert_on_swarm(work: Work) -> None:
    """Put back what ran before the deployment and end with the command's last report.

    The command stays open when the runner stops (InterruptedWorkError) and when the journal cannot be written
    (sqlite3.OperationalError).
    """

    def go_back() -> Restored | None:
        swarm = open_swarm(work, stack=work.command.revert.stack_name)
        # From here on whoever still works on the deployment changes nothing more.
        swarm.lane.claim()
        if work.command.revert.keep_proven and _keep_proven(swarm):
            return None
        return retry_until_done(work=work, attempt=lambda: _restore_previous(swarm))

    answer_revert(work, go_back=go_back)


def _restore_previous(swarm: SwarmWork) -> Restored:
    state, deployment_id = swarm.lane.state, swarm.work.command.deployment_id
    if state.deployment == deployment_id and _is_due(state):
        record = _record(swarm, deployment_id)
        if record is None and state.touched:
            raise StepFailedError("internal", "The Swarm does not know any more what is to be taken back.")
        restored = _untouched(state) if record is None else restore(swarm=swarm, release=record.release)
        swarm.lane.note(phase=Phase.REVERTED, current=state.base)
        return restored
    if not state.current:
        return Restored(services=[], previous_running=False)
    return reapply(swarm=swarm, deployment_id=state.current)


def _untouched(state: LaneState) -> Restored:
    return Restored(services=[], previous_running=bool(state.base or state.strangers))


def _is_due(state: LaneState) -> bool:
    """Tell whether the lane's deployment is to be taken back: it was not yet, and nothing later was proven."""
    return state.phase is not Phase.REVERTED and state.current in (state.base, state.deployment)


def _record(swarm: SwarmWork, deployment_id: str) -> StackRecord | None:
    return StackRecords(api=swarm.api, stack=swarm.lane.stack).find(deployment_id)


def _look_when_heard(swarm: SwarmWork) -> Seen:
    """Look once a new leader has heard from every node, or after a minute: until then nothing runs by its word."""
    give_up_at = swarm.work.clock() + UNHEARD_SECONDS
    while not (seen := swarm.api.look(swarm.lane.stack)).is_heard and swarm.work.clock() < give_up_at:
        swarm.work.interrupt.pause(LOOK_SECONDS)
    return seen


def _keep_proven(swarm: SwarmWork) -> bool:
    """Finish with success where the deployment was proven, or proves itself now; tell whether that is so."""
    state, work = swarm.lane.state, swarm.work
    record = _record(swarm, work.command.deployment_id)
    if record is None or state.deployment != work.command.deployment_id:
        return False
    seen = _look_when_heard(swarm)
    proven = state.phase is Phase.CURRENT and state.current == state.deployment
    if not proven:
        since = time.time() - record.release.health_window
        young = any(task.changed_at > since for task in seen.tasks if seen.is_up(task))
        up = state.phase is Phase.APPLYING and record.release.services and not young
        if not up or difference_from(target=record.target, seen=seen):
            return False
        places = {**state.places, **moved_places(record.release)}
        swarm.lane.note(phase=Phase.CURRENT, current=state.deployment, places=places)
    message = "It was proven before the order to go back was followed, so it was left as it is."
    services = describe_all(target=record.target, seen=seen)
    finished = pb.CommandFinished(outcome=pb.SUCCEEDED, message=message, services=services)
    work.reporter.finished(finished, also=lambda: None)
    return True
