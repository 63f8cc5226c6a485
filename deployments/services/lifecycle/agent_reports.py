"""Apply what an agent reports: once, in order, in one transaction. What a last report means is in `finish.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from agents import gateway
from agents.limits import MAX_EVENTS
from agents.types import (
    CommandFinished,
    LogWritten,
    Report,
    ReportBody,
    RestoreStarted,
    ServiceObserved,
    StageReached,
    Verdict,
)
from deployments.event_types import NewEvent, log_written, stage_reached
from deployments.repositories import deployments, lanes
from deployments.repositories.deployments import Outcome
from deployments.repositories.reads import light_rows
from deployments.services.lifecycle import finish, observations
from deployments.states import MAX_REPORTED_PERCENT, UNFINISHED, Stage, Status
from deployments.types import DeploymentRecord, ServiceState

# Of one deployment, over all its services.
MAX_LOG_BYTES = 4 * 1024 * 1024
STAGES = {
    1: Stage.BUILDING,
    2: Stage.PUSHING,
    3: Stage.DEPLOYING,
    4: Stage.HEALTH_CHECKING,
    5: Stage.HEALTH_CHECKING,  # completed is stored by us, after the proof
}
# What changes only what is shown of a deployment that works.
UsualBody = StageReached | LogWritten | ServiceObserved


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A deployment as reports make it, and what is to be stored of that: all in one update of its row."""

    deployment: DeploymentRecord
    log_bytes: int
    events: tuple[NewEvent, ...] = ()
    stage: Stage | None = None
    services: tuple[ServiceState, ...] | None = None
    config: Mapping[str, Any] | None = None
    log_size: int = 0

    def announce(self, event: NewEvent) -> Progress:
        """Return it with one more event."""
        deployment = replace(self.deployment, last_sequence=self.deployment.last_sequence + 1)
        return replace(self, deployment=deployment, events=(*self.events, event))


def apply_report(*, report: Report, at: datetime) -> int:
    """Store what the report says, unless it was stored before; return the highest stored number of its command.

    Opens its own transaction, in which:

    1. The lane is locked if this is a command's last report, then the deployment, then the command, as everywhere.
    2. The ledger judges the report's number and stores it: a repeat, or one out of order, ends here.
    3. A last report may end the deployment (`finish.on_command_finished`). Any other changes what is shown of it; about
       a deployment that has ended meanwhile it changes nothing.
    """
    if isinstance(report.body, UsualBody):
        return apply_usual_reports(reports=[report], at=at)
    with transaction.atomic():
        if isinstance(report.body, CommandFinished):
            # What was given up may turn out to be proven, and then nothing newer may begin meanwhile.
            lanes.lock(lane=deployments.get(deployment_id=report.deployment_id).lane)
        # Deployment before command, as everywhere: two orders would be a deadlock.
        deployment = deployments.get_locked(deployment_id=report.deployment_id)
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        if verdict.verdict is not Verdict.FRESH:
            # The agent sends it again because our answer to the first one was lost, or sends ahead of a gap.
            return verdict.last_number
        if isinstance(report.body, CommandFinished):
            finish.on_command_finished(deployment=deployment, command_id=report.command_id, finished=report.body, at=at)
        elif isinstance(report.body, RestoreStarted) and not verdict.closed:
            _begin_restore(deployment=deployment, body=report.body, at=at)
    return verdict.last_number


def apply_usual_reports(*, reports: Sequence[Report], at: datetime) -> int:
    """Store what these reports of one command, of UsualBody each, say in their order, in one transaction.

    Each counts as `apply_report` says. Return the highest stored number of the command.
    """
    with transaction.atomic():
        held = light_rows.get_locked(deployment_id=reports[0].deployment_id, but=_large_columns(reports))
        fresh, number = _accept(reports)
        if fresh and held.deployment.status in UNFINISHED:
            progress = Progress(deployment=held.deployment, log_bytes=held.log_bytes)
            for report in fresh:
                progress = _with_report(progress, body=report.body, at=at)
            _store(progress, last=held.deployment.last_sequence, at=at)
        return number


def _large_columns(reports: Sequence[Report]) -> frozenset[str]:
    seen = [report.body for report in reports if isinstance(report.body, ServiceObserved)]
    return frozenset(name for body in seen for name in observations.columns_for(body))


def _accept(reports: Sequence[Report]) -> tuple[Sequence[Report], int]:
    """Return the reports that are new, of a command that is open, and its highest stored number."""
    first, last = reports[0], reports[-1]
    numbers = [report.number for report in reports]
    follow = len(reports) > 1 and numbers == list(range(first.number, last.number + 1))
    if follow and gateway.accept_usual_reports(
        command_id=first.command_id, first=first.number, last=last.number, agent_id=first.agent_id
    ):
        return reports, last.number
    fresh, number = [], 0
    for report in reports:
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        number = verdict.last_number
        if verdict.verdict is Verdict.FRESH and not verdict.closed:
            fresh.append(report)
    return fresh, number


def _store(progress: Progress, *, last: int, at: datetime) -> None:
    deployments.store_progress(
        deployment_id=progress.deployment.id,
        last=last,
        at=at,
        announced=progress.events,
        stage=progress.stage,
        percent=progress.deployment.progress,
        services=progress.services,
        config=progress.config,
        log_size=progress.log_size,
    )


def _with_report(progress: Progress, *, body: ReportBody, at: datetime) -> Progress:
    """Return the progress with what the report says of it. Pure, like what it calls."""
    if progress.deployment.last_sequence >= MAX_EVENTS:
        return _without_report(progress)
    if isinstance(body, StageReached):
        return _with_stage(progress, body)
    if isinstance(body, LogWritten):
        return _with_log(progress, body)
    return _with_service(progress, body, at=at) if isinstance(body, ServiceObserved) else progress


def _without_report(progress: Progress) -> Progress:
    """Note once that there are too many reports to store."""
    if progress.deployment.last_sequence > MAX_EVENTS:
        return progress
    text = f"The agent has sent more than {MAX_EVENTS} reports; the rest is left out until it has finished.\n"
    return progress.announce(log_written(service="", source="agent", text=text))


def _with_stage(progress: Progress, body: StageReached) -> Progress:
    deployment = progress.deployment
    if deployment.status is not Status.IN_PROGRESS or deployment.cancel_requested_at is not None:
        # The work of putting back is no step of the deployment: what failed, or was cancelled, stays marked.
        return progress
    # Progress only rises, and the last percent is ours: it comes with the stored success.
    stage, percent = STAGES[body.stage], min(MAX_REPORTED_PERCENT, max(deployment.progress, body.percent))
    if (stage, percent) == (deployment.stage, deployment.progress):
        # Nothing new, however often an agent sends it.
        return progress
    reached = replace(progress, deployment=replace(deployment, stage=stage, progress=percent), stage=stage)
    return reached.announce(stage_reached(stage=stage, percent=percent, message=body.message))


def _with_log(progress: Progress, body: LogWritten) -> Progress:
    size = len(body.text.encode())
    total = progress.log_bytes + size
    if total <= MAX_LOG_BYTES:
        written = log_written(service=body.service_name, source=body.source, text=body.text)
    elif progress.log_bytes <= MAX_LOG_BYTES:
        written = log_written(service="", source="agent", text="The log is longer than 4 MiB; the rest is left out.\n")
    else:
        return progress
    return replace(progress, log_bytes=total, log_size=progress.log_size + size).announce(written)


def _with_service(progress: Progress, body: ServiceObserved, *, at: datetime) -> Progress:
    seen = observations.seen_of(deployment=progress.deployment, observed=(body,), at=at)
    return replace(
        progress,
        deployment=seen.deployment,
        events=(*progress.events, *seen.events),
        services=seen.services or progress.services,
        config=seen.config or progress.config,
    )


def _begin_restore(*, deployment: DeploymentRecord, body: RestoreStarted, at: datetime) -> None:
    if deployment.status is Status.IN_PROGRESS:
        outcome = Outcome(
            reason=observations.reason_of(body.reason),
            message=body.message,
            failed_service=body.failed_service,
            log_tail=body.log_tail,
        )
        finish.begin_restore(deployment=deployment, outcome=outcome, at=at)
