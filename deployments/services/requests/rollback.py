"""Undo a deployment by hand: bring an earlier success of the same lane back, as it was, building nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import Conflict, Invalid
from deployments.repositories import history, projects
from deployments.services.history import kept_data, restorable, snapshots
from deployments.services.lifecycle import rollback_target
from deployments.services.permissions import access, server_rights
from deployments.services.requests import create
from deployments.services.stacks import privileges
from deployments.states import Kind, Status
from deployments.types import Caller, DeploymentRecord, DeployRequest, HistoryEntry, Right

# So many earlier successes are looked through for one to offer.
MAX_CANDIDATES = 50
FIELD = "targetDeploymentId"


def rollback_deployment(
    *,
    caller: Caller,
    deployment_id: UUID,
    target_deployment_id: UUID | None = None,
    rollback_id: UUID,
    request_id: str = "",
    cause: Mapping[str, Any] | None = None,
    at: datetime,
) -> DeploymentRecord:
    """Store a pending deployment of kind rollback that carries the snapshot of the target deployment's success.

    Without a target: the last success before this deployment. The same request id by the same caller answers with the
    first rollback and does nothing. `cause` is why the product asks by itself. The undone deployment changes when the
    rollback starts, not before. Opens its own transaction. Raises NotFound, Forbidden, Invalid for a cluster and for
    another lane's target, or Conflict with the reason when there is nothing to undo or the target cannot be restored
    now.
    """
    deployment = access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.DEPLOY)
    first = create.find_repeat(caller=caller, request_id=request_id)
    if first is not None:
        return first
    project = projects.get(project_id=deployment.project_id)
    gives = server_rights.sides_given_by_use(caller=caller, project=project, target=deployment.target)
    entry = choose_entry(caller=caller, deployment=deployment, target_deployment_id=target_deployment_id)
    snapshot = history.snapshot(history_id=entry.id)
    privileges.refuse_unallowed(config=snapshot.config, project_id=project.id, server_id=deployment.target.id)
    kept_data.refuse_other_release(
        project=project, target=deployment.target, services=snapshots.services_of(snapshot.config)
    )
    env = snapshots.env_of(snapshot)
    new = create.NewDeployment(
        kind=Kind.ROLLBACK,
        request=DeployRequest(
            project_id=deployment.project_id, target=deployment.target, env_vars=env, request_id=request_id
        ),
        project=project,
        graph_version_id=snapshot.graph_version_id,
        graph_version=entry.graph_version,
        code=snapshot.code,
        services=snapshots.states_of(snapshots.services_of(snapshot.config)),
        replicas=snapshot.replicas,
        restores=entry.id,
        rollback_of=deployment.id,
        cause=cause or {},
        gives=gives,
    )
    return create.create_deployment(caller=caller, new=new, deployment_id=rollback_id, at=at)


def choose_entry(*, caller: Caller, deployment: DeploymentRecord, target_deployment_id: UUID | None) -> HistoryEntry:
    """Return what to bring back. Raises as rollback_deployment."""
    check_can_be_undone(deployment)
    if target_deployment_id is None:
        return _last_before(deployment)
    entry = _named(caller=caller, deployment=deployment, target_deployment_id=target_deployment_id)
    judged = restorable.judge(entry)
    if not judged.restorable:
        raise Conflict(
            sentence("{version} cannot be restored. {why_not}", version=entry.version, why_not=judged.why_not),
            details={FIELD: judged.why_not},
        )
    return judged


def check_can_be_undone(deployment: DeploymentRecord) -> None:
    """Raise Conflict for a deployment that is neither a success nor failed, and for one that never started."""
    if deployment.status in rollback_target.CAN_BE_UNDONE:
        if deployment.status is Status.FAILED and deployment.started_at is None:
            raise Conflict(sentence("The deployment never started, so there is nothing to undo."))
        return
    if deployment.status in {Status.PENDING, Status.IN_PROGRESS}:
        raise Conflict(sentence("The deployment is {status}; cancel it instead.", status=deployment.status))
    raise Conflict(sentence("The deployment is {status}; it cannot be rolled back again.", status=deployment.status))


def _named(*, caller: Caller, deployment: DeploymentRecord, target_deployment_id: UUID) -> HistoryEntry:
    target = access.deployment_for(caller=caller, deployment_id=target_deployment_id, right=Right.SEE)
    if target.id == deployment.id:
        raise Invalid(
            sentence("A deployment cannot be rolled back to itself."), details={FIELD: sentence("the same deployment")}
        )
    if (target.lane, target.owner_id) != (deployment.lane, deployment.owner_id):
        raise Invalid(
            sentence("That deployment is of another project or target."),
            details={FIELD: sentence("another project or target")},
        )
    entry = history.of_deployment(deployment_id=target.id)
    if entry is None:
        raise Invalid(
            sentence("That deployment never succeeded, so it cannot be restored."),
            details={FIELD: sentence("never succeeded")},
        )
    return entry


def _last_before(deployment: DeploymentRecord) -> HistoryEntry:
    """Return the last success before this one at which something ran. Another is offered, never taken silently."""
    earlier = history.before(deployment=deployment, limit=MAX_CANDIDATES)
    candidates = restorable.judge_all(tuple(entry for entry in earlier if entry.kind != Kind.STOP))
    if not candidates:
        raise Conflict(sentence("There is no earlier version on this target to roll back to."))
    newest = candidates[0]
    if newest.restorable:
        return newest
    others = [entry for entry in candidates if entry.restorable]
    offer = f" {others[0].version} can: name {others[0].deployment_id}." if others else ""
    raise Conflict(
        sentence(
            "{version} cannot be restored. {why_not}{offer}",
            version=newest.version,
            why_not=newest.why_not,
            offer=offer,
        ),
        details={FIELD: newest.why_not},
    )
