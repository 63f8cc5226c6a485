"""Start all copies of one service anew, or run one job by hand; everything else stays as it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from deployments.repositories import history
from deployments.repositories.grants import Side
from deployments.services.history import snapshots
from deployments.services.permissions import access, server_rights
from deployments.services.requests import create, moves, what_runs
from deployments.services.requests.moves import Move
from deployments.services.stacks import privileges
from deployments.states import Kind
from deployments.types import (
    Caller,
    DeploymentRecord,
    DeployRequest,
    HistoryEntry,
    ProjectRecord,
    Right,
    Snapshot,
    Target,
)


@dataclass(frozen=True, kw_only=True)
class RestartDraft:
    """What a restart is made on top of, checked, and what the caller gives by asking."""

    running: HistoryEntry
    snapshot: Snapshot
    gives: tuple[Side, ...]
    move: Move | None = None


def restart_service(
    *,
    caller: Caller,
    project_id: UUID,
    target: Target,
    service_name: str,
    deployment_id: UUID,
    move_to: str = "",
    request_id: str = "",
    at: datetime,
) -> DeploymentRecord:
    """Store a pending deployment of kind restart: what runs then, with the containers of this service made anew.

    Of a job: run it to its end, at most once, whatever dies meanwhile. Images, values and the number of copies stay.
    New copies start beside the old ones where that is possible. `move_to`: the name or id of a node of the cluster, on
    which the service runs from then on, without its data (`moves`). The same request id by the same caller answers with
    the first one. Opens its own transaction. Raises NotFound, Forbidden, Invalid naming the field, or Conflict when
    nothing of the project runs there.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    first = create.find_repeat(caller=caller, request_id=request_id)
    if first is not None:
        return first
    draft = draft_restart(caller=caller, project=project, target=target, service_name=service_name, move_to=move_to)
    snapshot, move = draft.snapshot, draft.move
    description = f"Move {service_name} to {move.stored['nodeName']}" if move else ""
    new = create.NewDeployment(
        kind=Kind.RESTART,
        request=DeployRequest(
            project_id=project_id,
            target=target,
            env_vars=snapshots.env_of(snapshot),
            request_id=request_id,
            description=description,
        ),
        project=project,
        graph_version_id=snapshot.graph_version_id,
        graph_version=draft.running.graph_version,
        code=snapshot.code,
        services=snapshots.states_of(snapshots.services_of(snapshot.config)),
        restarted_service=service_name,
        moves=move.stored if move else {},
        gives=draft.gives,
    )
    return create.create_deployment(caller=caller, new=new, deployment_id=deployment_id, at=at)


def draft_restart(
    *, caller: Caller, project: ProjectRecord, target: Target, service_name: str, move_to: str = ""
) -> RestartDraft:
    """Check a restart; store nothing. The caller may deploy the project. Raises as `restart_service` does."""
    gives = server_rights.sides_given_by_use(caller=caller, project=project, target=target)
    running = what_runs.running_version(project_id=project.id, target_id=target.id)
    snapshot = history.snapshot(history_id=running.id)
    what_runs.restartable(snapshot=snapshot, name=service_name)
    privileges.refuse_unallowed(config=snapshot.config, project_id=project.id, server_id=target.id)
    move = None
    if move_to:
        move = moves.resolve(target=target, config=snapshot.config, service_name=service_name, node=move_to)
    return RestartDraft(running=running, snapshot=snapshot, gives=gives, move=move)
