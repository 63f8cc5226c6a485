"""Deploy a project: check the request, store it as pending, answer at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.clients.peers import fetched_by_job
from deployments.data.variable_types import GivenVariables
from deployments.errors import Invalid
from deployments.repositories.grants import Side
from deployments.services.fleet import duplicate_servers, server_words
from deployments.services.history import kept_data, snapshots
from deployments.services.lifecycle import approvals
from deployments.services.permissions import access, server_rights, target_agents
from deployments.services.projects import graph_source
from deployments.services.projects.graph_source import GraphAndCode
from deployments.services.registries import logins
from deployments.services.requests import create
from deployments.services.secrets import stored_variables, variable_bounds, variables
from deployments.services.stacks import generation, privileges, stack_size
from deployments.types import Caller, DeploymentRecord, DeployRequest, GraphRecord, ProjectRecord, ServiceState
from stackgen.results import COMPOSE_FILE, Stack

MAX_DESCRIPTION = 500


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A checked request with all that it would be made of."""

    project: ProjectRecord
    graph: GraphRecord
    code: Mapping[str, str]
    stack: Stack
    given: GivenVariables = field(repr=False)


def deploy_project(*, caller: Caller, request: DeployRequest, deployment_id: UUID, at: datetime) -> DeploymentRecord:
    """Store a pending deployment of the project's newest graph and code, and put its job on the queue.

    1. The caller must have the right to deploy; where a peer has the projects, it is asked whose this one is.
    2. A repeat (request id and caller) returns the first deployment.
    3. Variables, target and the project's right to it are checked.
    4. The stack is generated and checked, and held against the approval that the request carries. Where a peer has
       graph or code, the job does this: a request must be answered at once.
    5. It is stored (`create.create_deployment`, which opens the transaction).

    Raises NotFound, Forbidden (also for a server that the project was not granted), Invalid with node and field,
    Conflict naming what changed since the approval, or PeerFailed when ownership cannot be checked; nothing is stored
    then.
    """
    project = access.project_to_deploy(caller=caller, project_id=request.project_id)
    first = create.find_repeat(caller=caller, request_id=request.request_id)
    if first is not None:
        return first
    gives = check_request(caller=caller, project=project, request=request)
    origin = graph_source.stored(project_id=project.id)
    services: tuple[ServiceState, ...] = ()
    if not fetched_by_job():
        draft = draft_of(project=project, origin=origin, request=request)
        _refuse_for_target(draft=draft, request=request)
        variables.proposed_values(project_id=project.id, stack=draft.stack, given=draft.given)
        services = snapshots.states_of(draft.stack.services)
        if request.approval:
            # A project that was never planned has no key yet; then the approval is not its.
            variables.ensure_fingerprint_key(project_id=project.id, new_password=secrets.token_urlsafe)
            approvals.check_approval(approved=request.approval, marks=_marks_now(draft=draft, request=request))
    new = create.NewDeployment(
        request=request,
        project=project,
        graph_version_id=origin.graph.id,
        graph_version=origin.graph.version,
        code=origin.code,
        services=services,
        gives=gives,
    )
    return create.create_deployment(caller=caller, new=new, deployment_id=deployment_id, at=at)


def draft_to_plan(*, caller: Caller, request: DeployRequest) -> Draft:
    """Return the request as it would be deployed now, with a peer's graph where it has it. Raises as deploy_project."""
    project = access.project_to_deploy(caller=caller, project_id=request.project_id)
    check_request(caller=caller, project=project, request=request)
    draft = draft_of(
        project=project, origin=graph_source.fetch_graph(caller=caller, project_id=project.id), request=request
    )
    _refuse_for_target(draft=draft, request=request)
    return draft


def draft_of(*, project: ProjectRecord, origin: GraphAndCode, request: DeployRequest) -> Draft:
    """Generate what a checked request asks for. Raises Invalid with node and field, or for more than can be sent."""
    given = stored_variables.given_variables(
        project_id=project.id, target_id=request.target.id, request=request.env_vars
    )
    stack = generation.generate_stack(
        project=project,
        graph=origin.graph.graph,
        code=origin.code,
        env_names=given.shared_names,
        node_env_names=given.node_names,
        engine=target_agents.engine_of(request.target),
        has_registry=bool(logins.destination_of(request.target)),
    )
    stack_size.check_stack(stack)
    return Draft(project=project, graph=origin.graph, code=origin.code, stack=stack, given=given)


def check_request(*, caller: Caller, project: ProjectRecord, request: DeployRequest) -> tuple[Side, ...]:
    """Return what the caller gives by asking, see `server_rights.sides_given_by_use`.

    Raises as that does, Invalid for the variables and the description, and Conflict for a server that is drained, or a
    machine that has the project under another name.
    """
    variable_bounds.check_env_vars(request.env_vars)
    check_description(request.description)
    gives = server_rights.sides_given_by_use(caller=caller, project=project, target=request.target)
    server_words.refuse_drained(request.target)
    duplicate_servers.refuse(project_id=project.id, target=request.target)
    return gives


def _refuse_for_target(*, draft: Draft, request: DeployRequest) -> None:
    """Raise Invalid for what the stack asks of this server and may not, and for data there that it could not read."""
    kept_data.refuse_other_release(project=draft.project, target=request.target, services=draft.stack.services)
    config = {"dockerComposeYml": draft.stack.files[COMPOSE_FILE]}
    privileges.refuse_unallowed(config=config, project_id=draft.project.id, server_id=request.target.id)


def approval_now(*, draft: Draft, request: DeployRequest) -> str:
    """Return the approval of a plan made now. The project must have its fingerprint key."""
    return approvals.approval_of(_marks_now(draft=draft, request=request))


def _marks_now(*, draft: Draft, request: DeployRequest) -> dict[str, str]:
    marks = approvals.marks_of(
        project=draft.project,
        graph_version=draft.graph.version,
        code=draft.code,
        env=draft.given.flat,
        stack=draft.stack,
        force=request.force_redeploy,
    )
    return {**marks, **approvals.lane_marks(project_id=draft.project.id, target=request.target)}


def check_description(text: str) -> None:
    """Raise Invalid for a description that is too long, or not a line of text."""
    if len(text) > MAX_DESCRIPTION:
        wrong = f"longer than {MAX_DESCRIPTION} characters"
    elif not text.isprintable():
        wrong = "not one line of plain text"
    else:
        return
    raise Invalid(sentence("The description is {wrong}.", wrong=wrong), details={"description": wrong})
