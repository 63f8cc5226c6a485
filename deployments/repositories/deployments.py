"""Deployments in PostgreSQL. `advance` is the only code in the product that changes a status."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, LiteralString
from uuid import UUID

from django.db.models import F, JSONField, QuerySet
from django.db.models.functions import Greatest

from agents import prepared
from deployments.data.sharing_types import Asker
from deployments.errors import NotFound
from deployments.event_types import NewEvent, epoch_ms, revert_confirmed, status_changed, waiting_changed
from deployments.models import Deployment
from deployments.repositories import clock, events
from deployments.repositories.records import DEPLOYMENT_COLUMNS, deployment_record, progress_columns, service_to_json
from deployments.repositories.upkeep import durations
from deployments.states import ACTIVE, TRANSITIONS, IllegalTransitionError, Reason, Stage, Status, Transition
from deployments.types import DeploymentRecord, DeployRequest, ServiceState, TargetKind

# What is read of a deployment before its status changes.
BEFORE = ("status", "rolled_back_by_id", "kind", "created_at", "started_at", "last_sequence")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Why a deployment did not succeed, beside its status."""

    reason: Reason = Reason.NONE
    message: str = ""
    failed_service: str = ""
    log_tail: tuple[str, ...] = field(default_factory=tuple)


def rows() -> QuerySet[Deployment, dict[str, Any]]:
    """Return deployments as deployment_record takes them."""
    selected: QuerySet[Deployment, dict[str, Any]] = Deployment.objects.values(*DEPLOYMENT_COLUMNS)
    return selected


def get(*, deployment_id: UUID) -> DeploymentRecord:
    """Return the deployment. Raises NotFound."""
    # Not rows().get(): composing and planning the SQL of what is asked most would take longer than its answer.
    sql, json_columns = _select_by_id()
    values = prepared.fetch_one(sql, [deployment_id])
    if values is None:
        raise NotFound("No such deployment.")
    row = dict(zip(DEPLOYMENT_COLUMNS, values, strict=True))
    # Django has the driver return JSON as text, to be decoded by the ORM, which has no part in this.
    decoded = {name: json.loads(row[name]) for name in json_columns if row[name] is not None}
    return deployment_record({**row, **decoded})


@cache
def _select_by_id() -> tuple[LiteralString, tuple[str, ...]]:
    """Return the SQL that reads one deployment by its id, and its columns of JSON."""
    # Composed by Django once per process, so that joins and columns follow DEPLOYMENT_COLUMNS; the id is a placeholder.
    query = rows().filter(pk=UUID(int=0)).query
    columns = zip(DEPLOYMENT_COLUMNS, query.select, strict=True)
    json_columns = tuple(name for name, column in columns if isinstance(column.output_field, JSONField))
    return query.sql_with_params()[0], json_columns


def get_locked(*, deployment_id: UUID) -> DeploymentRecord:
    """Return the deployment with its row locked until the caller's transaction ends. Raises NotFound."""
    Deployment.objects.select_for_update(no_key=True).only("pk").filter(pk=deployment_id).first()
    return get(deployment_id=deployment_id)


def by_request(*, requested_by: UUID, request_id: str) -> DeploymentRecord | None:
    """Return the deployment that this request made before, if any."""
    row = rows().filter(requested_by=requested_by, request_id=request_id).first() if request_id else None
    return deployment_record(row) if row else None


def create(
    *,
    deployment_id: UUID,
    owner_id: UUID,
    requested_by: UUID,
    request: DeployRequest,
    graph_version_id: int,
    code: Mapping[str, str],
    env_vars: Mapping[str, str],
    services: tuple[ServiceState, ...],
    at: datetime,
    next_attempt_at: datetime,
    **columns: Any,
) -> None:
    """Store a pending deployment; `env_vars` are sealed already. IntegrityError when the request id was used before.

    The caller stores its first event, which the row counts already: an update would have each of its keys checked.
    `columns` are those of other kinds than a plain deploy: kind, replicas, restores_id, rollback_of_id.
    """
    is_server = request.target.kind is TargetKind.SERVER
    Deployment.objects.create(
        pk=deployment_id,
        project_id=request.project_id,
        owner_id=owner_id,
        requested_by_id=requested_by,
        server_id=request.target.id if is_server else None,
        cluster_id=None if is_server else request.target.id,
        graph_version_id=graph_version_id,
        code=dict(code),
        env_vars=dict(env_vars),
        service_statuses=[service_to_json(state) for state in services],
        force_redeploy=request.force_redeploy,
        request_id=request.request_id,
        approval=request.approval,
        description=request.description,
        next_attempt_at=next_attempt_at,
        last_sequence=1,
        created_at=at,
        updated_at=at,
        **columns,
    )


def advance(
    *,
    deployment_id: UUID,
    transition: Transition,
    at: datetime,  # noqa: ARG001 - the database's clock says when, like everywhere beside it
    outcome: Outcome | None = None,
    version: str = "",
    first: Sequence[NewEvent] = (),
    **columns: Any,
) -> datetime:
    """Change the status by the table of states, with further `columns`, and store the event that announces it.

    `version`: what a success is called in the history, for whoever watches. `first`: events to store before it.

    Return the moment at which both are dated. Inside a transaction. Raises IllegalTransitionError, and changes nothing,
    when the transition may not start from the stored status.
    """
    sources, target = TRANSITIONS[transition]
    row = Deployment.objects.select_for_update(no_key=True).only(*BEFORE).get(pk=deployment_id)
    before = Status(row.status)
    undone = {} if row.rolled_back_by_id is None else {"rolled_back_by_id": row.rolled_back_by_id}
    # One moment of the database's clock for both: who adds the event to what he knows has exactly the row.
    failure, moment = outcome or Outcome(), clock.now()
    durations.note_left(row=row, target=target, reason=failure.reason, moment=moment)
    announced = status_changed(
        before=before,
        after=target,
        reason=failure.reason,
        message=failure.message,
        failed_service=failure.failed_service,
        log_tail=failure.log_tail,
        also=_shown_of({**undone, **columns}) | ({"version": version} if version else {}),
    )
    changed = {**_columns_of(target=target, outcome=outcome, moment=moment), **columns, "expecting": {"status": before}}
    if before not in sources or not events.append(
        deployment_id=deployment_id,
        events=[*first, announced],
        last=row.last_sequence,
        at=moment,
        status=target,
        **changed,
    ):
        raise IllegalTransitionError(status=before, transition=transition)
    return moment


def _shown_of(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what pages show of the further columns of a transition."""
    shown: dict[str, Any] = {}
    if "deadline_at" in columns:
        shown["deadlineAt"] = epoch_ms(columns["deadline_at"])
    if "rolled_back_by_id" in columns:
        shown["rolledBackBy"] = str(columns["rolled_back_by_id"] or "")
    return shown


def _columns_of(*, target: Status, outcome: Outcome | None, moment: datetime) -> dict[str, Any]:
    # Only a pending deployment needs the session of who asked.
    columns: dict[str, Any] = {"sealed_session": ""}
    if target is Status.IN_PROGRESS:
        columns["started_at"] = moment
    elif target is not Status.ROLLING_BACK:
        columns["completed_at"] = moment
    if outcome is not None:
        columns |= {
            "reason": outcome.reason,
            "message": outcome.message,
            "failed_service": outcome.failed_service,
            "log_tail": list(outcome.log_tail),
        }
    return columns


def store_progress(
    *,
    deployment_id: UUID,
    at: datetime,
    announced: Sequence[NewEvent] = (),
    stage: Stage | None = None,
    percent: int = 0,
    services: tuple[ServiceState, ...] | None = None,
    config: Mapping[str, Any] | None = None,
    log_size: int = 0,
    last: int | None = None,
) -> None:
    """Store what is given of a deployment's progress, with the events that tell it: in one update of its row.

    The percentage never falls; `log_size` adds to the bytes of log; `last` as `events.append` takes it. Inside a
    transaction that holds the row.
    """
    columns = progress_columns(services=services, config=config)
    if stage is not None:
        columns |= {"stage": stage, "progress": Greatest(F("progress"), percent)}
    if log_size:
        columns["log_bytes"] = F("log_bytes") + log_size
    if announced:
        events.append(deployment_id=deployment_id, events=announced, last=last, at=at, **columns)
    elif columns:
        Deployment.objects.filter(pk=deployment_id).update(**columns, updated_at=at)


def prolong_active(*, deadline_at: datetime, at: datetime) -> int:
    """Let all that is at work, and that nobody asked to cancel, end at this time at the latest; return how many."""
    rows = Deployment.objects.filter(status__in=sorted(ACTIVE), cancel_requested_at__isnull=True)
    return rows.filter(deadline_at__lt=deadline_at).update(deadline_at=deadline_at, updated_at=at)


def ask_cancel(*, deployment_id: UUID, by: UUID, at: datetime, deadline_at: datetime) -> bool:
    """Note that a cancel was asked for; return False when that was noted before. Inside a transaction."""
    asked = Deployment.objects.filter(pk=deployment_id, cancel_requested_at__isnull=True)
    return asked.update(cancel_requested_at=at, cancel_requested_by_id=by, deadline_at=deadline_at, updated_at=at) == 1


def confirm_revert(*, deployment_id: UUID, message: str, at: datetime) -> None:
    """Note that the agent has stopped the work, with the event that tells it. Inside a transaction."""
    row = Deployment.objects.filter(pk=deployment_id)
    row.update(message=message, updated_at=at)
    row.filter(cancel_requested_at__isnull=False).update(cancel_confirmed_at=at)
    events.append(deployment_id=deployment_id, events=[revert_confirmed(message=message)], at=at)


def postpone(*, deployment_id: UUID, attempts: int, next_attempt_at: datetime, at: datetime) -> bool:
    """Note a failed attempt to start and when to try again. Inside a transaction.

    Returns False when it was not the deployment's next attempt, or the deployment waits no longer.
    """
    waiting = Deployment.objects.filter(pk=deployment_id, status=Status.PENDING, attempts__lt=attempts)
    return waiting.update(attempts=attempts, next_attempt_at=next_attempt_at, updated_at=at) == 1


def await_agent(*, deployment_id: UUID, message: str, next_attempt_at: datetime, at: datetime) -> bool:
    """Note that a pending deployment waits for its server's agent, with the event that tells so.

    Returns False when that was noted before, or it waits no longer. Inside a transaction.
    """
    waiting = Deployment.objects.filter(pk=deployment_id, status=Status.PENDING)
    waiting.update(next_attempt_at=next_attempt_at)
    changed = waiting.exclude(message=message).update(message=message, awaits_agent=True, updated_at=at) == 1
    if changed:
        events.append(deployment_id=deployment_id, events=[waiting_changed(message=message)], at=at)
    return changed


def agent_is_back(*, deployment: DeploymentRecord, at: datetime) -> None:
    """Note that a pending deployment no longer waits for its agent. Inside a transaction that holds the row."""
    awaiting = Deployment.objects.filter(pk=deployment.id, awaits_agent=True)
    if awaiting.update(awaits_agent=False, message="", updated_at=at):
        events.append(deployment_id=deployment.id, events=[waiting_changed(message="")], at=at)


def asker(*, deployment_id: UUID) -> Asker:
    """Return who asked, as this person is now. Raises NotFound."""
    columns = ("requested_by_id", "requested_by__username", "requested_by__is_active", "requested_by__is_superuser")
    row = Deployment.objects.filter(pk=deployment_id).values_list(*columns).first()
    if row is None:
        raise NotFound("No such deployment.")
    return Asker(id=row[0], name=row[1], is_active=row[2], is_superuser=row[3])


def requester(*, deployment_id: UUID) -> tuple[UUID, str, str]:
    """Return who asked: the user's id and name, and the sealed session. Raises NotFound."""
    row = Deployment.objects.select_related("requested_by").filter(pk=deployment_id).first()
    if row is None:
        raise NotFound("No such deployment.")
    return row.requested_by_id, row.requested_by.get_username(), row.sealed_session


def sealed_values(*, deployment_id: UUID) -> tuple[str, Mapping[str, str]]:
    """Return the sealed variables of the whole stack, and the sealed request variables by name. Raises NotFound."""
    row = Deployment.objects.values_list("sealed_variables", "env_vars").filter(pk=deployment_id).first()
    if row is None:
        raise NotFound("No such deployment.")
    return row
