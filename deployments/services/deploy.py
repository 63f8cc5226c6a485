"""Accept a wish to deploy: check it whole, store it pending, answer at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from deployments import queue
from deployments.clients.infrastructure import infrastructure
from deployments.encryption import seal
from deployments.errors import Invalid, NotFound
from deployments.events import EventType, NewEvent
from deployments.repositories import bundles, deployments, events, lanes, projects
from deployments.services import access, generation, settle
from deployments.states import Reason
from deployments.types import (
    Caller,
    DeploymentRecord,
    DeployRequest,
    GraphRecord,
    ProjectRecord,
    Right,
    ServiceState,
    lane_of,
)

MAX_ENV_VARS = 1000
MAX_ENV_BYTES = 1024 * 1024
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
SUPERSEDE = "supersede"


def deploy_project(*, caller: Caller, request: DeployRequest, deployment_id: UUID, at: datetime) -> DeploymentRecord:
    """Store a pending deployment of the project's newest graph and code, and put its job on the queue.

    The same request id by the same caller answers with the first deployment and does nothing. Opens its own
    transaction. Raises NotFound, Forbidden, or Invalid with node and field; nothing is stored then.
    """
    project = access.project_for(caller=caller, project_id=request.project_id, right=Right.DEPLOY)
    repeated = deployments.by_request(requested_by=caller.user_id, request_id=request.request_id)
    if repeated is not None:
        return repeated
    check_env_vars(request.env_vars)
    if infrastructure().target_name(caller=caller, target=request.target) is None:
        raise NotFound(f"No such {request.target.kind}.", details={f"{request.target.kind}Id": "not found"})
    graph = projects.latest_graph(project_id=project.id)
    if graph is None:
        raise Invalid("The project has no graph yet. Draw or import one first.", details={"graph": "missing"})
    code = bundles.assigned(project_id=project.id)
    stack = generation.generate_stack(
        project=project, graph=graph.graph, code=code, env_names=tuple(sorted(request.env_vars))
    )
    services = tuple(
        ServiceState(node_id=service.node_id, name=service.name, image=service.image, replicas=service.replicas)
        for service in stack.services
    )
    try:
        with transaction.atomic():
            _store(
                caller=caller,
                request=request,
                project=project,
                graph=graph,
                code=code,
                services=services,
                deployment_id=deployment_id,
                at=at,
            )
    except IntegrityError:
        repeated = deployments.by_request(requested_by=caller.user_id, request_id=request.request_id)
        if repeated is None:
            raise
        return repeated
    return deployments.get(deployment_id=deployment_id)


def check_env_vars(env_vars: Mapping[str, str]) -> None:
    """Raises Invalid naming the variable; never repeats a value."""
    if len(env_vars) > MAX_ENV_VARS:
        raise Invalid(f"At most {MAX_ENV_VARS} variables.", details={"envVars": "too many"})
    for name, value in env_vars.items():
        if not ENV_NAME.fullmatch(name):
            raise Invalid("A variable's name is not usable.", details={f"envVars.{name[:50]}": "letters, digits and _"})
        if "\x00" in value:
            raise Invalid("A variable's value holds a NUL byte.", details={f"envVars.{name}": "holds a NUL byte"})
    if sum(len(value.encode()) for value in env_vars.values()) > MAX_ENV_BYTES:
        raise Invalid("The variables are larger than 1 MiB together.", details={"envVars": "too large"})


def _store(
    *,
    caller: Caller,
    request: DeployRequest,
    project: ProjectRecord,
    graph: GraphRecord,
    code: Mapping[str, str],
    services: tuple[ServiceState, ...],
    deployment_id: UUID,
    at: datetime,
) -> None:
    lanes.lock(lane=lane_of(project_id=project.id, target=request.target))
    if project.concurrency == SUPERSEDE:
        _supersede_waiting(request=request, by=caller.name, at=at)
    sealed = {
        name: seal(value=value, context=f"deployment:{deployment_id}:{name}")
        for name, value in request.env_vars.items()
    }
    deployments.create(
        deployment_id=deployment_id,
        owner_id=project.owner_id,
        requested_by=caller.user_id,
        request=request,
        graph_version_id=graph.id,
        code=code,
        env_vars=sealed,
        services=services,
        at=at,
        next_attempt_at=at + timedelta(seconds=settings.AXION_TAKEOVER_AFTER),
    )
    requested = NewEvent(type=EventType.REQUESTED, payload={"requestedBy": caller.name, "graphVersion": graph.version})
    events.append(deployment_id=deployment_id, events=[requested], at=at)
    queue.enqueue_run(deployment_id=deployment_id, attempt=0)


def _supersede_waiting(*, request: DeployRequest, by: str, at: datetime) -> None:
    for waiting_id in lanes.waiting(project_id=request.project_id, target_id=request.target.id):
        outcome = deployments.Outcome(
            reason=Reason.SUPERSEDED, message=f"A newer deployment, asked for by {by}, took its place."
        )
        settle.fail(deployment_id=waiting_id, outcome=outcome, at=at)
