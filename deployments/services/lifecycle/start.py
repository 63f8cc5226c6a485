"""What a job does with a pending deployment: prepare, check, start it and hand it over to the agent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents import gateway
from agents.backoff import Backoff
from agents.types import DeployCommand
from agents.wording.sentences import sentence
from deployments import queue
from deployments.clients.peers import fetched_by_job
from deployments.errors import (
    Conflict,
    DeployError,
    Forbidden,
    Invalid,
    NotFound,
    PeerFailed,
    PeerRefused,
    Transient,
    Unauthenticated,
)
from deployments.event_types import EventType, NewEvent, service_payload, stage_reached
from deployments.repositories import clock, deployments, events, history, lanes, projects, start_lock
from deployments.services.fleet import duplicate_servers
from deployments.services.lifecycle import (
    adoptions,
    agent_access,
    agent_order,
    approvals,
    command_ids,
    finish,
    prepare,
    requester_rights,
    rollback_target,
)
from deployments.services.lifecycle.builds import building, registry_keeping
from deployments.services.lifecycle.prepare import Prepared
from deployments.services.permissions import target_agents
from deployments.services.secrets import sealing
from deployments.services.stacks import privileges, stack_size
from deployments.states import HANDED_OVER_PERCENT, Kind, Reason, Stage, Status, Transition
from deployments.types import DeploymentRecord, ProjectRecord

RETRY = Backoff(first=2.0, most=60.0)
# How soon a deployment whose agent is away is looked at again: another agent may be the server's by then.
AWAY_SECONDS = 60

logger = structlog.get_logger(__name__)


def run_deployment(*, deployment_id: UUID, at: datetime) -> None:
    """Start a pending deployment if its turn has come; otherwise leave it waiting.

    Safe to run any number of times, also at once: one starts it, and where peers are asked only one asks.

    1. Who asked must still have the right to it, and the server's agent must be there: else it ends, or waits.
    2. What the start needs is prepared, with no transaction open: a peer may be slow.
    3. What cannot be sent to an agent is refused with its size.
    4. It starts, with the lane locked (`start`).

    What may pass is tried again later, within AXION_JOB_ATTEMPTS; what cannot pass ends the deployment.
    """
    if not fetched_by_job():
        # Preparing is quick: whoever prepares in vain costs less than whoever is waited for and does not come back.
        deployment = deployments.get(deployment_id=deployment_id)
        if deployment.status is Status.PENDING:
            _prepare_and_start(deployment=deployment, at=at)
        return
    with start_lock.try_lock(deployment_id=deployment_id, seconds=queue.JOB_SECONDS) as alone:
        deployment = deployments.get(deployment_id=deployment_id)
        # Peers are not asked for what cannot start yet; who ends before it in the lane asks for its job again.
        if alone and deployment.status is Status.PENDING and _is_next(deployment):
            _prepare_and_start(deployment=deployment, at=at)


def _is_next(deployment: DeploymentRecord) -> bool:
    return lanes.is_next(deployment_id=deployment.id, project_id=deployment.project_id, target_id=deployment.target.id)


def _prepare_and_start(*, deployment: DeploymentRecord, at: datetime) -> None:
    project = projects.get(project_id=deployment.project_id)
    if refusal := requester_rights.why_refused(deployment=deployment, project=project):
        end_unstarted(deployment=deployment, reason=Reason.INVALID, message=refusal, at=at)
        return
    if message := target_agents.waiting_message(deployment):
        _await_agent(deployment=deployment, message=message, at=at)
        return
    try:
        prepared = prepare.prepare(deployment=deployment, project=project)
        command = agent_order.command_of(deployment=deployment, project=project, prepared=prepared)
        command = adoptions.with_adopted(command, deployment=deployment, agent_id=prepared.agent_id)
        stack_size.check_command(command)
        stack_size.check_values(prepared.values)
        message = building.waiting_message(target=deployment.target, command=command)
    except (PeerRefused, Forbidden, Unauthenticated) as error:
        end_unstarted(deployment=deployment, reason=Reason.PEER, message=error.message, at=at)
    except (Transient, PeerFailed) as error:
        try_again_later(deployment=deployment, error=error, at=at)
    except (Invalid, NotFound) as error:
        end_unstarted(deployment=deployment, reason=Reason.INVALID, message=error.message, at=at)
    else:
        if message:
            _await_agent(deployment=deployment, message=message, at=at)
            return
        start(deployment=deployment, project=project, prepared=prepared, command=command, at=at)


def _await_agent(*, deployment: DeploymentRecord, message: str, at: datetime) -> None:
    """Leave it pending: nothing is ordered from an agent that is not there. The reconciler sees it come back."""
    with transaction.atomic():
        lanes.lock(lane=deployment.lane)
        if _is_next(deployment):
            again_at = clock.now() + timedelta(seconds=AWAY_SECONDS)
            deployments.await_agent(deployment_id=deployment.id, message=message, next_attempt_at=again_at, at=at)


def start(
    *, deployment: DeploymentRecord, project: ProjectRecord, prepared: Prepared, command: DeployCommand, at: datetime
) -> bool:
    """Start a prepared deployment; return False when it was not started. Opens its own transaction, in which:

    1. The lane is locked, then the deployment.
    2. Another job may have started it meanwhile, or it may not be its turn.
    3. Who asked and the two owners must still stand by it; else it ends.
    4. What was prepared before the lane was locked must still be true; else it ends, or is prepared again.
    5. It is in progress, with its configuration, sealed values, deadline and number.
    6. The command and its services are stored, so that the gateway sends it, and the events that tell of it.
    """
    with transaction.atomic():
        lanes.lock(lane=deployment.lane)
        current = deployments.get_locked(deployment_id=deployment.id)
        if current.status is not Status.PENDING or not _is_next(deployment):
            # Another job was first, somebody ended it, or one before it in the lane is not finished.
            return False
        if not _still_allowed(deployment=deployment, project=project, prepared=prepared, at=at):
            return False
        if not _still_fits(deployment=deployment, prepared=prepared, at=at):
            return False
        deployments.agent_is_back(deployment=deployment, at=at)
        # The hand-over is dated after the start that it follows, not when this job began to prepare it.
        started_at = deployments.advance(
            deployment_id=deployment.id,
            transition=Transition.START,
            at=at,
            config=prepared.config,
            sealed_variables=sealing.seal_stack(values=prepared.values, deployment_id=deployment.id),
            deadline_at=clock.now() + timedelta(seconds=settings.AXION_DEPLOY_DEADLINE),
            start_number=lanes.next_start_number(project_id=deployment.project_id, target_id=deployment.target.id),
            base_number=history.newest_number(project_id=deployment.project_id, target_id=deployment.target.id),
            **prepared.columns,
        )
        _hand_over(deployment=deployment, prepared=prepared, command=command, at=started_at)
    logger.info("deployment started", deployment_id=str(deployment.id), agent_id=str(prepared.agent_id))
    return True


def _still_allowed(*, deployment: DeploymentRecord, project: ProjectRecord, prepared: Prepared, at: datetime) -> bool:
    """Return whether the two owners and who asked still stand by it, with the lane locked; end it otherwise."""
    refusal = requester_rights.why_refused(deployment=deployment, project=project)
    try:
        privileges.refuse_unallowed(config=prepared.config, project_id=project.id, server_id=deployment.target.id)
        if deployment.kind != Kind.STOP:
            duplicate_servers.refuse_at_start(project_id=project.id, target=deployment.target)
    except (Conflict, Invalid) as error:
        refusal = refusal or error.message
    if refusal:
        _fail_unstarted(deployment_id=deployment.id, reason=Reason.INVALID, message=refusal, at=at)
        return False
    requester_rights.give_missing_grant(deployment=deployment, project=project, at=at)
    return True


def _still_fits(*, deployment: DeploymentRecord, prepared: Prepared, at: datetime) -> bool:
    """Return whether what was prepared is still true, with the lane locked; end it when it never will be again."""
    if prepared.base is not None:
        entry = history.running(project_id=deployment.project_id, target_id=deployment.target.id)
        if entry is None or entry.id != prepared.base:
            # Something else was proven there meanwhile: the next job prepares it on top of that.
            queue.enqueue_run(deployment_id=deployment.id, attempt=int(at.timestamp() * 1000))
            return False
    if deployment.approval:
        try:
            approvals.check_at_start(deployment=deployment, marks=prepared.marks)
        except Conflict as error:
            _fail_unstarted(deployment_id=deployment.id, reason=Reason.INVALID, message=error.message, at=at)
            return False
    if deployment.rollback_of is not None and not rollback_target.begin(rollback=deployment, at=at):
        message = "The deployment to undo has been rolled back or restored in the meantime."
        _fail_unstarted(deployment_id=deployment.id, reason=Reason.INVALID, message=message, at=at)
        return False
    return True


def _hand_over(*, deployment: DeploymentRecord, prepared: Prepared, command: DeployCommand, at: datetime) -> None:
    services = prepare.states_of(prepared)
    command = registry_keeping.with_cleanup(command, deployment=deployment)
    builder_id = building.hand_to_builder(deployment=deployment, command=command)
    values = prepared.values
    if builder_id is None:
        gateway.send(
            command_id=command_ids.deploy_command_id(deployment.id),
            agent_id=prepared.agent_id,
            lane=deployment.lane,
            deployment_id=deployment.id,
            project_id=deployment.project_id,
            command=command,
        )
    else:
        values = agent_access.values_for_builds(values, deployment_id=deployment.id)
    agent_id = builder_id or prepared.agent_id
    if values:
        gateway.seal_values(agent_id=agent_id, deployment_id=deployment.id, values=values)
    # Only further columns can make it differ in more than its services.
    current = deployments.get(deployment_id=deployment.id) if prepared.columns else deployment
    agent_access.seal_logins(agent_id=agent_id, deployment=replace(current, config=prepared.config))
    started = replace(current, services=services)
    payload = {"agentId": str(agent_id), **_changed_since_asked(asked=deployment, started=started)}
    announced = [
        NewEvent(type=EventType.COMMAND_SENT, payload=payload),
        stage_reached(stage=Stage.BUILDING, percent=HANDED_OVER_PERCENT, message="Sent to the agent."),
    ]
    deployments.store_progress(
        deployment_id=deployment.id,
        at=at,
        announced=announced,
        stage=Stage.BUILDING,
        percent=HANDED_OVER_PERCENT,
        services=services,
    )


def _changed_since_asked(*, asked: DeploymentRecord, started: DeploymentRecord) -> dict[str, Any]:
    """Return what pages show of a start that took something else than was there when it was asked for."""
    changed: dict[str, Any] = {}
    if started.services != asked.services:
        changed["services"] = [service_payload(service) for service in started.services]
    if started.graph_version != asked.graph_version:
        changed["graphVersion"] = started.graph_version
    if started.env_names != asked.env_names:
        changed["envNames"] = list(started.env_names)
    return changed


def try_again_later(*, deployment: DeploymentRecord, error: DeployError, at: datetime) -> None:
    """Note the failed attempt; end the deployment when it was the last one."""
    attempts = deployment.attempts + 1
    if attempts >= settings.AXION_JOB_ATTEMPTS:
        reason = Reason.PEER if isinstance(error, PeerFailed) else Reason.INTERNAL
        message = f"{error.message} Gave up after {attempts} attempts."
        end_unstarted(deployment=deployment, reason=reason, message=message, at=at)
        return
    pause = RETRY.pause(failures=attempts)
    retried = NewEvent(
        type=EventType.JOB_RETRIED, payload={"attempt": attempts, "message": error.message, "seconds": round(pause, 1)}
    )
    with transaction.atomic():
        again_at = clock.now() + timedelta(seconds=pause)
        if deployments.postpone(deployment_id=deployment.id, attempts=attempts, next_attempt_at=again_at, at=at):
            events.append(deployment_id=deployment.id, events=[retried], at=at)


def note_fault(*, deployment_id: UUID, at: datetime) -> None:
    """Count an attempt that failed for no reason we know: a fault of ours must end, not repeat for ever."""
    deployment = deployments.get(deployment_id=deployment_id)
    if deployment.status is Status.PENDING:
        error = Transient(sentence("The control plane failed while starting it; the worker's log says how."))
        try_again_later(deployment=deployment, error=error, at=at)


def end_unstarted(*, deployment: DeploymentRecord, reason: Reason, message: str, at: datetime) -> None:
    """Fail a deployment that never started, unless someone settled it meanwhile."""
    with transaction.atomic():
        current = deployments.get_locked(deployment_id=deployment.id)
        # Somebody else may have started or ended it: then nothing is left to do here.
        if current.status is Status.PENDING:
            _fail_unstarted(deployment_id=deployment.id, reason=reason, message=message, at=at)


def _fail_unstarted(*, deployment_id: UUID, reason: Reason, message: str, at: datetime) -> None:
    finish.mark_failed(deployment_id=deployment_id, outcome=deployments.Outcome(reason=reason, message=message), at=at)
