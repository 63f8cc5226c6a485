"""A server as its owner looks at it: what runs there now, and what its agent was told to do."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from agents.command_types import CommandLine
from agents.services import directory
from deployments.errors import NotFound
from deployments.repositories import projects
from deployments.rules.observed import SeenStack
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.services.queries import grant_view, stack_list
from deployments.services.queries.grant_view import Tenant
from deployments.types import Caller, DeploymentRecord, Right


@dataclass(frozen=True, kw_only=True)
class RunningHere:
    """A project on the server and how its stack is now, None where nobody has looked. `open`: the caller may see it."""

    tenant: Tenant
    seen: SeenStack | None
    open: bool


@dataclass(frozen=True, kw_only=True)
class CommandHere:
    """What the agent was told, for which project, and the deployment where the caller may see it."""

    command: CommandLine
    project_name: str
    deployment: DeploymentRecord | None


def running_on(*, caller: Caller, server_id: UUID, limit: int) -> tuple[RunningHere, ...]:
    """Return the projects on a server of the caller's, by name, and how each is now. Raises NotFound."""
    tenants = grant_view.tenants_of(caller=caller, server_id=server_id)[:limit]
    seen = stack_list.stacks_by_project(project_ids=[tenant.project_id for tenant in tenants])
    return tuple(
        RunningHere(
            tenant=tenant,
            seen=next((line.seen for line in seen.get(tenant.project_id, ()) if line.server_id == server_id), None),
            open=_sees(caller, tenant.project_id),
        )
        for tenant in tenants
    )


def _sees(caller: Caller, project_id: UUID) -> bool:
    try:
        access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    except NotFound:
        return False
    return True


def commands_on(*, caller: Caller, server_id: UUID, limit: int) -> tuple[CommandHere, ...]:
    """Return what the agents of a server of the caller's were told last, the newest first. Raises NotFound."""
    machine_list.get_server(caller=caller, server_id=server_id)
    lines = directory.commands_of_server(server_id=server_id, limit=limit)
    names = projects.names_of(project_ids={line.project_id for line in lines})
    return tuple(
        CommandHere(command=line, project_name=names.get(line.project_id, ""), deployment=_visible(caller, line))
        for line in lines
    )


def _visible(caller: Caller, line: CommandLine) -> DeploymentRecord | None:
    """Return the command's deployment; None for a stranger's, and where the command belongs to none."""
    try:
        return access.deployment_for(caller=caller, deployment_id=line.deployment_id, right=Right.SEE)
    except NotFound:
        return None
