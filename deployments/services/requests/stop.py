"""Stop a project on a target: all its containers and networks go, its volumes and its history stay."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from agents import gateway
from agents.wording.sentences import sentence
from deployments.errors import Conflict, Forbidden
from deployments.repositories import history, lanes, projects
from deployments.services.fleet import machine_list
from deployments.services.lifecycle import cancel
from deployments.services.permissions import access, server_rights
from deployments.services.requests import create
from deployments.states import Kind
from deployments.types import Caller, DeploymentRecord, DeployRequest, ProjectRecord, Right, Target, TargetKind

MAY_NOT_STOP = "This project may not use that server any more. Its owner, or the server's, can stop it there."


def stop_project(
    *,
    caller: Caller,
    project_id: UUID,
    target: Target,
    deployment_id: UUID,
    request_id: str = "",
    at: datetime,
) -> DeploymentRecord:
    """Store a pending deployment of kind stop; it waits in its lane like any other.

    The project's owner may always; a deployer where the project may run. The same request id by the same caller
    answers with the first one. Opens its own transaction. Raises NotFound, Forbidden, or Conflict when nothing of the
    project was ever started there or it is stopped already.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    first = create.find_repeat(caller=caller, request_id=request_id)
    if first is not None:
        return first
    last = lanes.last_started(project_id=project_id, target_id=target.id)
    if last is None:
        raise Conflict(sentence("This project has never been started there."))
    if not _may_stop(caller=caller, project=project, target=target):
        raise Forbidden(MAY_NOT_STOP)
    return _stop(caller=caller, project=project, last=last, deployment_id=deployment_id, request_id=request_id, at=at)


def check_stop(*, caller: Caller, project_id: UUID, target: Target) -> None:
    """Refuse what `stop_project` would refuse, in the same words; store nothing."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    last = lanes.last_started(project_id=project_id, target_id=target.id)
    if last is None:
        raise Conflict(sentence("This project has never been started there."))
    if not _may_stop(caller=caller, project=project, target=target):
        raise Forbidden(MAY_NOT_STOP)
    if _is_stopped(last):
        raise Conflict(sentence("The project is already stopped there."))


def stop_on_server(
    *,
    caller: Caller,
    server_id: UUID,
    project_id: UUID,
    deployment_id: UUID,
    request_id: str = "",
    at: datetime,
) -> DeploymentRecord:
    """Stop a project on a server of the caller's, whoever's it is; what works there is cancelled, not waited for.

    Raises NotFound, or Conflict as above.
    """
    machine_list.get_server(caller=caller, server_id=server_id)
    first = create.find_repeat(caller=caller, request_id=request_id)
    if first is not None:
        return first
    last = lanes.last_started(project_id=project_id, target_id=server_id)
    if last is None:
        raise server_rights.project_not_found()
    project = projects.get(project_id=project_id)
    stop = _stop(caller=caller, project=project, last=last, deployment_id=deployment_id, request_id=request_id, at=at)
    # Dying before this only makes the stop wait for it.
    cancel.cancel_running(caller=caller, project_id=project_id, target_id=server_id, at=at)
    return stop


def stop_for_deletion(
    *, caller: Caller, project: ProjectRecord, target: Target, deployment_id: UUID, request_id: str, at: datetime
) -> DeploymentRecord:
    """Stop a project that its owner deletes, or return the stop that this request made before.

    Raises Conflict when nothing was ever started there, or it is stopped already.
    """
    first = create.find_repeat(caller=caller, request_id=request_id)
    if first is not None:
        return first
    last = lanes.last_started(project_id=project.id, target_id=target.id)
    if last is None:
        raise Conflict(sentence("This project has never been started there."))
    return _stop(caller=caller, project=project, last=last, deployment_id=deployment_id, request_id=request_id, at=at)


def _may_stop(*, caller: Caller, project: ProjectRecord, target: Target) -> bool:
    if caller.sees_everything or project.owner_id == caller.user_id:
        return True
    owns = server_rights.owns_server(user_id=caller.user_id, server_id=target.id)
    return owns or server_rights.is_granted(project=project, server_id=target.id)


def _stop(
    *,
    caller: Caller,
    project: ProjectRecord,
    last: DeploymentRecord,
    deployment_id: UUID,
    request_id: str,
    at: datetime,
) -> DeploymentRecord:
    if _is_stopped(last):
        raise Conflict(sentence("The project is already stopped there."))
    graph = projects.latest_graph(project_id=project.id)
    assert graph is not None, "what was started had a graph"
    new = create.NewDeployment(
        kind=Kind.STOP,
        request=DeployRequest(project_id=project.id, target=last.target, request_id=request_id),
        project=project,
        graph_version_id=graph.id,
        graph_version=graph.version,
        code={},
        services=(),
    )
    return create.create_deployment(caller=caller, new=new, deployment_id=deployment_id, at=at)


def _is_stopped(last: DeploymentRecord) -> bool:
    """Whether the last that was started there is a stop that succeeded, of a cluster on each of its servers."""
    running = history.running(project_id=last.project_id, target_id=last.target.id)
    stopped = running is not None and running.kind == Kind.STOP and running.deployment_id == last.id
    return stopped and (last.target.kind is TargetKind.SERVER or not gateway.agents_running(lane=last.lane))
