"""Apply what an agent reports: once, in order, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents import gateway
from agents.types import (
    CommandFinished,
    LogWritten,
    Report,
    RestoreStarted,
    ServiceObserved,
    StageReached,
    Verdict,
)
from deployments.events import log_written, service_changed, stage_reached
from deployments.repositories import deployments, events
from deployments.repositories.deployments import Outcome
from deployments.services import ending, settle
from deployments.states import UNFINISHED, Reason, Stage, Status
from deployments.types import DeploymentRecord, ServiceState

MAX_LOG_BYTES = 4 * 1024 * 1024
RUNNING = "running"
KNOWN_REASONS = frozenset(reason.value for reason in Reason) - {""}
STAGES = {
    1: Stage.BUILDING,
    2: Stage.PUSHING,
    3: Stage.DEPLOYING,
    4: Stage.HEALTH_CHECKING,
    5: Stage.HEALTH_CHECKING,  # completed is ours to say, after the proof
}


def apply_report(*, report: Report, at: datetime) -> int:
    """Store what the report says, unless it was stored before; returns the highest stored number of its command.

    Opens its own transaction: the number and its effect are kept together. A report about a deployment that was settled
    meanwhile counts as seen and changes nothing.
    """
    with transaction.atomic():
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        if verdict.verdict is Verdict.FRESH:
            deployment = deployments.get_locked(deployment_id=report.deployment_id)
            if isinstance(report.body, CommandFinished):
                ending.finish_command(deployment=deployment, command_id=report.command_id, said=report.body, at=at)
            elif deployment.status in UNFINISHED and not verdict.closed:
                _apply(deployment=deployment, report=report, at=at)
    return verdict.last_number


def _apply(*, deployment: DeploymentRecord, report: Report, at: datetime) -> None:
    body = report.body
    if isinstance(body, StageReached):
        _reach_stage(deployment=deployment, body=body, at=at)
    elif isinstance(body, ServiceObserved):
        observe_services(deployment=deployment, observed=(body,), at=at)
    elif isinstance(body, LogWritten):
        _write_log(deployment_id=deployment.id, body=body, at=at)
    elif isinstance(body, RestoreStarted) and deployment.status is Status.IN_PROGRESS:
        outcome = Outcome(
            reason=reason_of(body.reason),
            message=body.message,
            failed_service=body.failed_service,
            log_tail=body.log_tail,
        )
        settle.begin_restore(deployment=deployment, outcome=outcome, at=at)


def reason_of(word: str) -> Reason:
    """The agent's word for what went wrong; one that we do not know counts as internal."""
    return Reason(word) if word in KNOWN_REASONS else Reason.INTERNAL


def _reach_stage(*, deployment: DeploymentRecord, body: StageReached, at: datetime) -> None:
    stage, percent = STAGES[body.stage], min(99, max(deployment.progress, body.percent))
    deployments.move_stage(deployment_id=deployment.id, stage=stage, percent=percent, at=at)
    reached = stage_reached(stage=stage, percent=percent, message=body.message)
    events.append(deployment_id=deployment.id, events=[reached], at=at)


def observe_services(
    *, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...], at: datetime
) -> tuple[ServiceState, ...]:
    """Store the states of the observed services and announce those that changed. Inside a transaction."""
    seen = {body.service_name: body for body in observed}
    services = tuple(
        state if state.name not in seen else _state_of(before=state, body=seen[state.name], at=at)
        for state in deployment.services
    )
    changed = [service_changed(new) for old, new in zip(deployment.services, services, strict=True) if old != new]
    if changed:
        deployments.store_services(deployment_id=deployment.id, services=services, at=at)
        events.append(deployment_id=deployment.id, events=changed, at=at)
    return services


def _state_of(*, before: ServiceState, body: ServiceObserved, at: datetime) -> ServiceState:
    return replace(
        before,
        state=body.state,
        health=body.health or "none",
        image=body.image or before.image,
        image_digest=body.image_digest,
        container_ids=tuple(body.container_ids),
        healthy_replicas=body.healthy_replicas,
        error_message=body.error_message,
        deployed_at=before.deployed_at or (at if body.state == RUNNING else None),
    )


def _write_log(*, deployment_id: UUID, body: LogWritten, at: datetime) -> None:
    size = len(body.text.encode())
    total = deployments.count_log(deployment_id=deployment_id, size=size)
    if total <= MAX_LOG_BYTES:
        written = log_written(service=body.service_name, source=body.source, text=body.text)
    elif total - size <= MAX_LOG_BYTES:
        written = log_written(service="", source="agent", text="The log is longer than 4 MiB; the rest is left out.\n")
    else:
        return
    events.append(deployment_id=deployment_id, events=[written], at=at)
