"""Run another number of copies of one service; everything else stays as it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from deployments.errors import Invalid
from deployments.repositories import deployments, history
from deployments.repositories.grants import Side
from deployments.services.history import snapshots
from deployments.services.permissions import access, server_rights, target_agents
from deployments.services.requests import create, what_runs
from deployments.services.stacks import generation, privileges
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
from stackgen.results import COMPOSE_FILE, Stack


@dataclass(frozen=True, kw_only=True)
class ScaleDraft:
    """What scaling would do, checked: on top of what runs, which stack it makes, what the caller gives by asking."""

    running: HistoryEntry
    snapshot: Snapshot
    node_id: str
    stack: Stack
    gives: tuple[Side, ...]


def scale_service(
    *,
    caller: Caller,
    project_id: UUID,
    target: Target,
    service_name: str,
    replicas: int,
    deployment_id: UUID,
    request_id: str = "",
    at: datetime,
) -> DeploymentRecord:
    """Store a pending deployment of kind scale: what runs then, with this number of copies of the service.

    The next deployment of the project's graph has the graph's number again. The same request id by the same caller
    answers with the first one. Opens its own transaction. Raises NotFound, Forbidden, Invalid naming the field, or
    Conflict when nothing of the project runs there.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    first = create.find_repeat(caller=caller, request_id=request_id)
    if first is not None:
        return first
    draft = _draft_of(caller=caller, project=project, target=target, service_name=service_name, replicas=replicas)
    snapshot, node_id = draft.snapshot, draft.node_id
    new = create.NewDeployment(
        kind=Kind.SCALE,
        request=DeployRequest(
            project_id=project_id, target=target, env_vars=snapshots.env_of(snapshot), request_id=request_id
        ),
        project=project,
        graph_version_id=snapshot.graph_version_id,
        graph_version=draft.running.graph_version,
        code=snapshot.code,
        services=snapshots.states_of(draft.stack.services),
        # Only what was asked for: by the start something else may run, with copies of its own.
        replicas={node_id: replicas},
        gives=draft.gives,
    )
    return create.create_deployment(caller=caller, new=new, deployment_id=deployment_id, at=at)


def check_scale(*, caller: Caller, project_id: UUID, target: Target, service_name: str, replicas: int) -> Stack:
    """Return the stack that scaling would make. Refuse what `scale_service` would refuse; store nothing."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    draft = _draft_of(caller=caller, project=project, target=target, service_name=service_name, replicas=replicas)
    return draft.stack


def _draft_of(
    *, caller: Caller, project: ProjectRecord, target: Target, service_name: str, replicas: int
) -> ScaleDraft:
    gives = server_rights.sides_given_by_use(caller=caller, project=project, target=target)
    running = what_runs.running_version(project_id=project.id, target_id=target.id)
    snapshot = history.snapshot(history_id=running.id)
    node_id = what_runs.running_service(snapshot=snapshot, name=service_name).node_id
    all_replicas = {**snapshot.replicas, node_id: replicas}
    stack = _checked(project=project, running=running, replicas=all_replicas, target=target)
    privileges.refuse_unallowed(
        config={"dockerComposeYml": stack.files[COMPOSE_FILE]}, project_id=project.id, server_id=target.id
    )
    return ScaleDraft(running=running, snapshot=snapshot, node_id=node_id, stack=stack, gives=gives)


def _checked(*, project: ProjectRecord, running: HistoryEntry, replicas: dict[str, int], target: Target) -> Stack:
    """Return the stack that this would be. Raises Invalid when the service cannot have so many copies."""
    deployed = deployments.get(deployment_id=running.deployment_id)
    try:
        return generation.generate_stack(
            project=project,
            graph=generation.with_replicas(graph=deployed.graph, replicas=replicas),
            code=deployed.code,
            env_names=deployed.env_names,
            node_env_names=snapshots.node_env_names(deployed.config),
            engine=target_agents.engine_of(target),
            has_registry=bool(deployed.config.get("registry")),
        )
    except Invalid as error:
        raise Invalid(error.message, details={"replicas": "; ".join(error.details.values())}) from error
