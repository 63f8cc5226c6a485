"""How long deployments and their stages took, read from their events when they end and counted when that is stored."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from deployments import measurements
from deployments.event_types import EventType
from deployments.measurements import Outcome
from deployments.models import Deployment, DeploymentEvent
from deployments.states import Reason, Status


def note_left(*, row: Deployment, target: Status, reason: Reason, moment: datetime) -> None:
    """Count, when the caller's transaction commits, what ends as the deployment leaves the status of `row`.

    Reads the stages from events, once per deployment. A process that dies at the commit counts less, never twice.
    """
    outcome = _outcome(target=target, reason=reason)
    if row.status == Status.PENDING:
        waited = moment - row.created_at
        transaction.on_commit(
            partial(measurements.count_stage, stage="waiting", outcome=outcome, lasted=waited), robust=True
        )
    elif row.status == Status.IN_PROGRESS and row.started_at is not None:
        counted = partial(measurements.count_deployment, kind=row.kind, outcome=outcome, lasted=moment - row.started_at)
        transaction.on_commit(counted, robust=True)
        _note_stages(deployment_id=row.pk, outcome=outcome, moment=moment)


def _note_stages(*, deployment_id: UUID, outcome: Outcome, moment: datetime) -> None:
    events = DeploymentEvent.objects.filter(deployment_id=deployment_id, type=EventType.STAGE_REACHED)
    begun = list(events.values_list("payload__stage").annotate(at=Min("created_at")).order_by("at"))
    ends = [*(at for _, at in begun[1:]), moment][: len(begun)]
    for index, ((stage, at), end) in enumerate(zip(begun, ends, strict=True)):
        left = Outcome.SUCCESS if index < len(begun) - 1 else outcome
        transaction.on_commit(
            partial(measurements.count_stage, stage=stage, outcome=left, lasted=end - at), robust=True
        )


def _outcome(*, target: Status, reason: Reason) -> Outcome:
    if target in {Status.IN_PROGRESS, Status.SUCCESS}:
        return Outcome.SUCCESS
    return Outcome.CANCELLED if reason in {Reason.CANCELLED, Reason.SUPERSEDED} else Outcome.FAILED
