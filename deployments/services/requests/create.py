"""Store a deployment of any kind as pending: in one transaction, once per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from agents.services import directory
from agents.wording.sentences import sentence
from deployments import queue
from deployments.errors import Conflict
from deployments.event_types import EventType, NewEvent
from deployments.repositories import clock, deployments, events, grants, history, lanes, projects
from deployments.repositories.ends import machine_deletions
from deployments.repositories.grants import Side
from deployments.services.lifecycle import finish, job_caller
from deployments.services.permissions import access, server_rights
from deployments.services.secrets import sealing
from deployments.states import Kind, Reason
from deployments.types import Caller, DeploymentRecord, DeployRequest, ProjectRecord, ServiceState, lane_of

SUPERSEDE = "supersede"


@dataclass(frozen=True, kw_only=True)
class NewDeployment:
    """What is to be stored, and was checked. `request` names project and target and holds the clear variables.

    `gives`: the sides of the project's right to the server that the caller gives by asking. `renews`: services of a
    repair. `cause`: why the product asks by itself; its `message` is for people. `moves`: services to another node.
    """

    request: DeployRequest
    project: ProjectRecord
    graph_version_id: int
    graph_version: int
    code: Mapping[str, str]
    services: tuple[ServiceState, ...]
    kind: Kind = Kind.DEPLOY
    replicas: Mapping[str, int] = field(default_factory=dict)
    restarted_service: str = ""
    restores: UUID | None = None
    rollback_of: UUID | None = None
    gives: tuple[Side, ...] = ()
    renews: tuple[str, ...] = ()
    cause: Mapping[str, Any] = field(default_factory=dict)
    moves: Mapping[str, Any] = field(default_factory=dict)


def find_repeat(*, caller: Caller, request_id: str) -> DeploymentRecord | None:
    """Return the deployment that this request made before, if any."""
    return deployments.by_request(requested_by=caller.user_id, request_id=request_id)


def create_deployment(*, caller: Caller, new: NewDeployment, deployment_id: UUID, at: datetime) -> DeploymentRecord:
    """Store it as pending and put its job on the queue; return it, or the first one for a repeat of its request.

    Opens its own transaction. Raises Conflict when retention took away meanwhile what it restores, NotFound when the
    server was removed, or Forbidden when the project's right to it was ended.
    """
    try:
        with transaction.atomic():
            _store(caller=caller, new=new, deployment_id=deployment_id, at=at)
    except IntegrityError:
        first = find_repeat(caller=caller, request_id=new.request.request_id)
        if first is None:
            raise
        # The same request came twice at once, and the other one was stored first.
        return first
    return deployments.get(deployment_id=deployment_id)


def _store(*, caller: Caller, new: NewDeployment, deployment_id: UUID, at: datetime) -> None:
    request, project = new.request, new.project
    lanes.lock(lane=lane_of(project_id=project.id, target_id=request.target.id))
    _hold_right(caller=caller, new=new, at=at)
    if new.restores is not None and not history.is_kept(history_id=new.restores):
        raise Conflict(
            sentence("That version is no longer kept."), details={"targetDeploymentId": sentence("no longer kept")}
        )
    if project.concurrency == SUPERSEDE and new.kind == Kind.DEPLOY:
        _supersede_waiting(request=request, by=caller.name, at=at)
    # The lane is locked, so this is also the order in which they wait.
    accepted_at = clock.now()
    deployments.create(
        deployment_id=deployment_id,
        owner_id=project.owner_id,
        requested_by=caller.user_id,
        request=request,
        graph_version_id=new.graph_version_id,
        code=new.code,
        env_vars=sealing.seal_env(values=request.env_vars, deployment_id=deployment_id),
        services=new.services,
        at=accepted_at,
        next_attempt_at=accepted_at + timedelta(seconds=settings.AXION_TAKEOVER_AFTER),
        kind=new.kind,
        replicas=dict(new.replicas) or None,
        restarted_service=new.restarted_service,
        restores_id=new.restores,
        rollback_of_id=new.rollback_of,
        renews=list(new.renews) or None,
        cause=dict(new.cause) or None,
        moves=dict(new.moves) or None,
        sealed_session=job_caller.seal_session(caller=caller, deployment_id=deployment_id)
        if new.kind == Kind.DEPLOY
        else "",
    )
    # After the row: a deletion that is asked for at the same time waits for it, or is seen here.
    if new.kind != Kind.STOP and projects.deletion_of(project_id=project.id):
        raise Conflict(sentence("The project is being deleted and can no longer be deployed."))
    payload: dict[str, Any] = {"requestedBy": caller.name, "graphVersion": new.graph_version, "kind": new.kind}
    if new.request.description:
        payload["description"] = new.request.description
    if owner := access.acts_for(caller=caller, project=project):
        payload["onBehalfOf"] = owner
    if new.cause:
        payload["cause"] = new.cause["message"]
    requested = NewEvent(type=EventType.REQUESTED, payload=payload)
    events.begin(deployment_id=deployment_id, project_id=project.id, event=requested, at=at)
    queue.enqueue_run(deployment_id=deployment_id, attempt=0)


def _hold_right(*, caller: Caller, new: NewDeployment, at: datetime) -> None:
    """Keep anybody from ending the right or removing the server until the commit; give what asking gives."""
    request, project = new.request, new.project
    if new.kind == Kind.STOP:
        return
    if not directory.hold_target(target_id=request.target.id):
        raise server_rights.server_not_found()
    # The machine is held: a deletion that is asked for at the same time waits for this, or is seen here.
    if machine_deletions.is_open(machine_id=request.target.id):
        raise Conflict(
            sentence("The {kind} is being deleted: nothing new can be deployed there.", kind=request.target.kind)
        )
    grants.give(project_id=project.id, server_id=request.target.id, sides=new.gives, by=caller.user_id, at=at)
    if not caller.sees_everything:
        server_rights.require_grant(project=project, server_id=request.target.id)


def _supersede_waiting(*, request: DeployRequest, by: str, at: datetime) -> None:
    """Fail the deploys that wait in the lane."""
    # And nothing else: each other kind does what no deploy does.
    for waiting_id in lanes.waiting(project_id=request.project_id, target_id=request.target.id, kind=Kind.DEPLOY):
        outcome = deployments.Outcome(
            reason=Reason.SUPERSEDED, message=f"Replaced by a newer deployment, requested by {by}."
        )
        finish.mark_failed(deployment_id=waiting_id, outcome=outcome, at=at)
