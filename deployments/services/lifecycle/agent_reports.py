"""Apply what an agent reports: once, in order, in one transaction. What a last report means is in `finish.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from agents import gateway
from agents.limits import MAX_EVENTS
from agents.types import (
    CommandFinished,
    LogWritten,
    Report,
    RestoreStarted,
    ServiceObserved,
    StageReached,
    Verdict,
)
from deployments.event_types import log_written, stage_reached
from deployments.repositories import deployments, events, lanes
from deployments.repositories.deployments import Outcome
from deployments.repositories.reads import light_rows
from deployments.services.lifecycle import finish, observations
from deployments.states import MAX_REPORTED_PERCENT, UNFINISHED, Stage, Status
from deployments.types import DeploymentRecord

# Of one deployment, over all its services.
MAX_LOG_BYTES = 4 * 1024 * 1024
STAGES = {
    1: Stage.BUILDING,
    2: Stage.PUSHING,
    3: Stage.DEPLOYING,
    4: Stage.HEALTH_CHECKING,
    5: Stage.HEALTH_CHECKING,  # completed is stored by us, after the proof
}


def apply_report(*, report: Report, at: datetime) -> int:
    """Store what the report says, unless it was stored before; see `apply_reports`."""
    return apply_reports(reports=[report], at=at)


def apply_reports(*, reports: Sequence[Report], at: datetime) -> int:
    """Store what these reports of one command say, in their order; return the highest stored number of the command.

    Opens one transaction for all, in which:

    1. The lane is locked if a command's last report is among them, then the deployment, then the command, as
       everywhere.
    2. The ledger judges each report's number and stores it: a repeat, or one out of order, changes nothing.
    3. A last report may end the deployment (`finish.on_command_finished`). Any other changes what is shown of it; about
       a deployment that has ended meanwhile it changes nothing.
    """
    with transaction.atomic():
        if any(isinstance(report.body, CommandFinished) for report in reports):
            # What was given up may turn out to be proven, and then nothing newer may begin meanwhile.
            lanes.lock(lane=deployments.get(deployment_id=reports[0].deployment_id).lane)
        return [_apply_next(report=report, at=at) for report in reports][-1]


def _apply_next(*, report: Report, at: datetime) -> int:
    # Deployment before command, as everywhere: two orders would be a deadlock.
    deployment, log_bytes = _locked(report)
    verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
    if verdict.verdict is not Verdict.FRESH:
        # The agent sends it again because our answer to the first one was lost, or sends ahead of a gap.
        return verdict.last_number
    if isinstance(report.body, CommandFinished):
        finish.on_command_finished(deployment=deployment, command_id=report.command_id, finished=report.body, at=at)
    elif deployment.status in UNFINISHED and not verdict.closed:
        _apply(deployment=deployment, log_bytes=log_bytes, report=report, at=at)
    return verdict.last_number


def _locked(report: Report) -> tuple[DeploymentRecord, int]:
    """Return the deployment with its row locked, and its bytes of log; of the usual reports what these change alone."""
    body = report.body
    if isinstance(body, StageReached | LogWritten | ServiceObserved):
        wanted = observations.columns_for(body) if isinstance(body, ServiceObserved) else ()
        held = light_rows.get_locked(deployment_id=report.deployment_id, but=wanted)
        return held.deployment, held.log_bytes
    return deployments.get_locked(deployment_id=report.deployment_id), 0


def _apply(*, deployment: DeploymentRecord, log_bytes: int, report: Report, at: datetime) -> None:
    body = report.body
    if deployment.last_sequence >= MAX_EVENTS and not isinstance(body, RestoreStarted):
        _leave_out(deployment=deployment, at=at)
    elif isinstance(body, StageReached):
        _reach_stage(deployment=deployment, body=body, at=at)
    elif isinstance(body, ServiceObserved):
        observations.store_observed(deployment=deployment, observed=(body,), at=at)
    elif isinstance(body, LogWritten):
        _write_log(deployment=deployment, log_bytes=log_bytes, body=body, at=at)
    elif isinstance(body, RestoreStarted) and deployment.status is Status.IN_PROGRESS:
        outcome = Outcome(
            reason=observations.reason_of(body.reason),
            message=body.message,
            failed_service=body.failed_service,
            log_tail=body.log_tail,
        )
        finish.begin_restore(deployment=deployment, outcome=outcome, at=at)


def _leave_out(*, deployment: DeploymentRecord, at: datetime) -> None:
    """Note once that there are too many reports to store."""
    if deployment.last_sequence == MAX_EVENTS:
        text = f"The agent has sent more than {MAX_EVENTS} reports; the rest is left out until it has finished.\n"
        events.append(deployment_id=deployment.id, events=[log_written(service="", source="agent", text=text)], at=at)


def _reach_stage(*, deployment: DeploymentRecord, body: StageReached, at: datetime) -> None:
    if deployment.status is not Status.IN_PROGRESS or deployment.cancel_requested_at is not None:
        # The work of putting back is no step of the deployment: what failed, or was cancelled, stays marked.
        return
    # Progress only rises, and the last percent is ours: it comes with the stored success.
    stage, percent = STAGES[body.stage], min(MAX_REPORTED_PERCENT, max(deployment.progress, body.percent))
    if (stage, percent) == (deployment.stage, deployment.progress):
        # Nothing new, however often an agent sends it.
        return
    reached = stage_reached(stage=stage, percent=percent, message=body.message)
    deployments.store_progress(
        deployment_id=deployment.id,
        last=deployment.last_sequence,
        at=at,
        announced=[reached],
        stage=stage,
        percent=percent,
    )


def _write_log(*, deployment: DeploymentRecord, log_bytes: int, body: LogWritten, at: datetime) -> None:
    size = len(body.text.encode())
    total = log_bytes + size
    if total <= MAX_LOG_BYTES:
        written = log_written(service=body.service_name, source=body.source, text=body.text)
    elif total - size <= MAX_LOG_BYTES:
        written = log_written(service="", source="agent", text="The log is longer than 4 MiB; the rest is left out.\n")
    else:
        return
    deployments.store_progress(
        deployment_id=deployment.id, last=deployment.last_sequence, at=at, announced=[written], log_size=size
    )
