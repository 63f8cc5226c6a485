"""How a deployment ends: from the last report of a command to the status, its history and whoever waits behind it.

Read from the top: `on_command_finished` decides what a report means; the functions below it store one end each, for
whoever decides (an agent, a person, a deadline).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog

from agents import gateway
from agents.errors import CommandNotFound
from agents.states import CommandOutcome
from agents.types import CommandFinished, DeployCommand
from deployments import queue
from deployments.event_types import stage_reached
from deployments.repositories import deployments, history, lanes, projects
from deployments.repositories.deployments import Outcome
from deployments.repositories.records import progress_columns
from deployments.services.lifecycle import adoptions, observations, proof, rollback_target
from deployments.services.lifecycle.builds import building
from deployments.services.lifecycle.command_ids import build_command_id, deploy_command_id, revert_command_id
from deployments.services.lifecycle.observations import Seen
from deployments.services.observation import drift
from deployments.states import DONE_PERCENT, Reason, Stage, Status, Transition
from deployments.types import DeploymentRecord, TargetKind

# Nobody asked for these ends: only the agent's silence did.
UNHEARD = frozenset({Reason.AGENT_LOST, Reason.EXPIRED})
PROVEN_LATE = "The agent proved it while it could not be heard, so what was decided meanwhile does not hold."

logger = structlog.get_logger(__name__)


def on_command_finished(
    *, deployment: DeploymentRecord, command_id: UUID, finished: CommandFinished, at: datetime
) -> None:
    """Close the command, and end the deployment if this report decides it.

    Under the lane's lock, inside a transaction that holds the deployment's row:

    1. The command is closed: the ledger sends it no more.
    2. A deployment that holds its lane no longer was ended before (lost, expired, cancelled) and stays so, but for a
       success that was proven while nobody could hear the agent.
    3. What the agent saw of the services is stored, whatever the end is.
    4. The answer to a revert ends a cancelled deployment; any other ends it by what it proves.

    A cluster's builder proves nothing: its report lets a manager begin, or ends the deployment.
    """
    gateway.finish(command_id=command_id)
    if command_id == build_command_id(deployment.id):
        _on_built(deployment=deployment, finished=finished, at=at)
        return
    reverted = command_id == revert_command_id(deployment.id)
    if not deployment.holds_lane:
        _on_late_answer(deployment=deployment, finished=finished, reverted=reverted, at=at)
        return
    seen = observations.seen_of(deployment=deployment, observed=finished.services, at=at)
    if not reverted and deployment.cancel_requested_at is None:
        _end_by_proof(seen=seen, finished=finished, at=at)
        return
    stored = observations.store_seen(seen, at=at)
    if reverted:
        _end_cancelled(deployment=stored, finished=finished, at=at)
    # With a cancel asked for, only the revert command decides: it proves that the former stack is back.


def _on_built(*, deployment: DeploymentRecord, finished: CommandFinished, at: datetime) -> None:
    if not deployment.holds_lane or deployment.cancel_requested_at is not None:
        # It was given up, or only the answer to the revert decides.
        return
    outcome = building.on_built(deployment=deployment, finished=finished, at=at)
    if outcome is not None:
        mark_failed(deployment_id=deployment.id, outcome=outcome, at=at, former_runs=True)


def _end_by_proof(*, seen: Seen, finished: CommandFinished, at: datetime) -> None:
    """End as a success when all is proven, as rolled back when what ran before is back, else as failed."""
    deployment = seen.deployment
    succeeded = finished.outcome is CommandOutcome.SUCCEEDED
    doubt = proof.doubt_of_success(deployment=deployment, finished=finished, pinned_images=_pinned_images(deployment))
    if succeeded and doubt is None:
        mark_succeeded(seen=seen, at=at)
        _note_proven(deployment=deployment, finished=finished)
        return
    observations.store_seen(seen, at=at)
    explanation = f"Success was not proven: {doubt}" if succeeded else finished.message
    outcome = Outcome(
        reason=Reason.UNHEALTHY if succeeded else observations.reason_of(finished.reason),
        message=f"{explanation} {_volumes_left(finished)}".strip(),
        failed_service=finished.failed_service,
        log_tail=finished.log_tail,
    )
    if finished.outcome is CommandOutcome.RESTORED and finished.previous_stack_running:
        finish_restore(deployment=deployment, outcome=outcome, at=at)
    else:
        mark_failed(deployment_id=deployment.id, outcome=outcome, at=at, former_runs=proof.former_runs(finished))


def _note_proven(*, deployment: DeploymentRecord, finished: CommandFinished) -> None:
    """Store what later looks at the host are held against, with the success itself."""
    project = projects.get(project_id=deployment.project_id)
    drift.note_success(deployment=deployment, project=project, proven=finished.services)


def _end_cancelled(*, deployment: DeploymentRecord, finished: CommandFinished, at: datetime) -> None:
    applied = building.underway(deployment) is None
    result = _result_of_revert(finished) if applied else "The build was stopped; nothing had been applied."
    message = f"Cancelled by {deployment.cancel_requested_by}. {result}"
    deployments.confirm_revert(deployment_id=deployment.id, message=message, at=at)
    outcome = Outcome(reason=Reason.CANCELLED, message=message)
    mark_failed(deployment_id=deployment.id, outcome=outcome, at=at, former_runs=finished.previous_stack_running)


def _on_late_answer(*, deployment: DeploymentRecord, finished: CommandFinished, reverted: bool, at: datetime) -> None:
    """Make a success of what was given up for silence alone and is proven; else note the answer to a revert."""
    if _is_proven_late(deployment=deployment, finished=finished, reverted=reverted, at=at):
        proven = observations.store_observed(deployment=deployment, observed=finished.services, at=at)
        mark_proven_late(deployment=proven, message=PROVEN_LATE, at=at)
        _note_proven(deployment=proven, finished=finished)
        logger.info("deployment proven late", deployment_id=str(deployment.id), reason=deployment.reason)
    elif reverted and deployment.status is Status.FAILED:
        message = f"{deployment.message} The agent has answered since. {_result_of_revert(finished)}"
        deployments.confirm_revert(deployment_id=deployment.id, message=message, at=at)


def _is_proven_late(*, deployment: DeploymentRecord, finished: CommandFinished, reverted: bool, at: datetime) -> bool:
    """Return whether what was given up for silence alone is proven, and stays. May withdraw the order to go back.

    `reverted`: the agent answers the order to go back, which it did not follow then.
    """
    given_up = deployment.status is Status.FAILED and deployment.reason in UNHEARD
    if not given_up or deployment.cancel_requested_at is not None or finished.outcome is not CommandOutcome.SUCCEEDED:
        return False
    newer = gateway.ordered_after(command_id=deploy_command_id(deployment.id))
    if history.any_of(deployment_ids=newer):
        # Nothing that succeeded in the lane later is put behind this one.
        return False
    seen = observations.with_observed(deployment=deployment, observed=finished.services, at=at)
    doubt = proof.doubt_of_success(deployment=seen, finished=finished, pinned_images=_pinned_images(deployment))
    if doubt is not None:
        return False
    if reverted:
        return True
    # An order to go back that no agent has received is taken back; one that is on its way decides by its own answer.
    gateway.withdraw(deployment_id=deployment.id)
    return gateway.keeps_proven(command_id=revert_command_id(deployment.id))


def mark_succeeded(*, seen: Seen, at: datetime) -> None:
    """End as a proven success. Inside a transaction that holds the deployment's row:

    1. What was seen of the services, the last stage, their events, the status and the history entry.
    2. Of a rollback: the deployment that it undoes is rolled back.
    3. The command is closed, and the next deployment of the lane gets its job when the caller commits.
    """
    deployment = seen.deployment
    _record_success(deployment=deployment, transition=Transition.SUCCEED, outcome=None, seen=seen, at=at)
    if deployment.rollback_of is not None:
        rollback_target.finish(rollback=deployment, at=at)
    _release_lane(deployment)


def mark_proven_late(*, deployment: DeploymentRecord, message: str, at: datetime) -> None:
    """Make a success of a deployment that was given up: the agent had proven it while nobody could hear it.

    Under the lane's lock, inside a transaction that holds the deployment's row. Its lane was released before.
    """
    outcome = Outcome(message=message)
    _record_success(deployment=deployment, transition=Transition.PROVE_LATE, outcome=outcome, at=at)
    if deployment.rollback_of is not None and rollback_target.begin(rollback=deployment, at=at):
        rollback_target.finish(rollback=deployment, at=at)


def mark_failed(*, deployment_id: UUID, outcome: Outcome, at: datetime, former_runs: bool = False) -> None:
    """End as failed from any unfinished status. Inside a transaction; takes the deployment's row.

    `former_runs`: it is proven that what ran before runs still or again.
    """
    deployment = deployments.get_locked(deployment_id=deployment_id)
    deployments.advance(deployment_id=deployment_id, transition=Transition.FAIL, outcome=outcome, at=at)
    if deployment.rollback_of is not None:
        rollback_target.give_up(rollback=deployment, outcome=outcome, former_runs=former_runs, at=at)
    drift.compare_after_end(deployment=deployment)
    _release_lane(deployment)


def begin_restore(*, deployment: DeploymentRecord, outcome: Outcome, at: datetime) -> None:
    """Note that the agent puts the previous stack back. Inside a transaction that holds the deployment's row."""
    deployments.advance(deployment_id=deployment.id, transition=Transition.BEGIN_ROLLBACK, outcome=outcome, at=at)


def finish_restore(*, deployment: DeploymentRecord, outcome: Outcome, at: datetime) -> None:
    """End as rolled back: the previous stack is back. Inside a transaction that holds the deployment's row."""
    if deployment.status is Status.IN_PROGRESS:
        # No report said that it began.
        begin_restore(deployment=deployment, outcome=outcome, at=at)
    deployments.advance(deployment_id=deployment.id, transition=Transition.FINISH_ROLLBACK, outcome=outcome, at=at)
    if deployment.rollback_of is not None:
        rollback_target.give_up(rollback=deployment, outcome=outcome, former_runs=True, at=at)
    drift.compare_after_end(deployment=deployment)
    _release_lane(deployment)


def _record_success(
    *,
    deployment: DeploymentRecord,
    transition: Transition,
    outcome: Outcome | None,
    at: datetime,
    seen: Seen | None = None,
) -> None:
    """Store the last stage, the status and the history entry; with them what was `seen` and is not stored yet."""
    adoptions.note_taken(deployment=deployment)
    completed = stage_reached(stage=Stage.COMPLETED, percent=DONE_PERCENT, message="Every service runs and is healthy.")
    sealed_variables, env_vars = deployments.sealed_values(deployment_id=deployment.id)
    # The entry's number needs no lock of its own: only the lane's one holder can succeed.
    version = history.record(
        deployment_id=deployment.id,
        project_id=deployment.project_id,
        target_id=deployment.target.id,
        snapshot=_snapshot(deployment),
        sealed_variables=sealed_variables,
        env_vars=env_vars,
        at=at,
    )
    deployments.advance(
        deployment_id=deployment.id,
        transition=transition,
        outcome=outcome,
        version=version,
        first=[*(seen.events if seen else ()), completed],
        **(progress_columns(services=seen.services, config=seen.config) if seen else {}),
        stage=Stage.COMPLETED,
        progress=DONE_PERCENT,
        at=at,
    )
    if deployment.target.kind is TargetKind.CLUSTER:
        # Other nodes keep the same as the one that reported it.
        gateway.announce_retention(target_id=deployment.target.id)


def _release_lane(deployment: DeploymentRecord) -> None:
    """Close the deploy command, and give the lane's next deployment its job when the caller commits."""
    if deployment.started_at is not None:
        if deployment.target.kind is TargetKind.CLUSTER:
            _close(build_command_id(deployment.id))
        _close(deploy_command_id(deployment.id))
    for waiting_id in lanes.waiting(project_id=deployment.project_id, target_id=deployment.target.id)[:1]:
        queue.enqueue_run(deployment_id=waiting_id, attempt=deployment.last_sequence)


def _close(command_id: UUID) -> None:
    """Close the command if there is one: what a builder was to build first may never have got to a manager."""
    with suppress(CommandNotFound):
        gateway.finish(command_id=command_id)


def _snapshot(deployment: DeploymentRecord) -> dict[str, object]:
    return {
        "graphVersion": deployment.graph_version,
        "graph": deployment.graph,
        "code": dict(deployment.code),
        "replicas": dict(deployment.replicas),
        "config": dict(deployment.config),
        "images": {state.name: state.image_digest for state in deployment.services},
        "envNames": list(deployment.env_names),
    }


def _pinned_images(deployment: DeploymentRecord) -> Mapping[str, str]:
    """Return the images that the order named, by service; none where they were to be built."""
    command = gateway.find(command_id=deploy_command_id(deployment.id)).command
    return command.pinned_images if isinstance(command, DeployCommand) else {}


def _result_of_revert(finished: CommandFinished) -> str:
    """Return what the agent's answer to a revert says of what runs now, for people."""
    if finished.outcome is CommandOutcome.FAILED:
        return f"What ran before could not be put back: {finished.message}"
    if finished.previous_stack_running:
        return f"The work stopped and what ran before is back. {_volumes_left(finished)}".strip()
    if finished.volumes_left:
        return f"The work stopped. {_volumes_left(finished)}"
    return "The work stopped and nothing of it is left."


def _volumes_left(finished: CommandFinished) -> str:
    """Return which volumes came with what was taken back, for a person to delete; empty when there are none."""
    if not finished.volumes_left:
        return ""
    names = ", ".join(finished.volumes_left)
    if len(finished.volumes_left) == 1:
        return f"The volume {names} was left: it may hold data; delete it yourself if not."
    return f"The volumes {names} were left: they may hold data; delete them yourself if not."
