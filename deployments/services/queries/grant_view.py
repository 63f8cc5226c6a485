"""What two owners have agreed on, as each of them sees it: a project's servers, and a server's projects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from agents.services import directory
from agents.types import ServerData
from deployments.data.sharing_types import Grant, GrantState
from deployments.repositories import grants, history, projects, tenants
from deployments.repositories.grants import Side
from deployments.repositories.tenants import MAX_TENANTS, Latest
from deployments.services.fleet import machine_list
from deployments.services.permissions import access, server_rights
from deployments.services.stacks import generation
from deployments.states import Kind
from deployments.types import Caller, Right


@dataclass(frozen=True, kw_only=True)
class ProjectTarget:
    """A server that the project may use, was offered, or could be given by the caller. `usable`: by the caller, now.

    `may_allow`: the caller could give a half that is missing. `may_end`: one of the two sides is the caller's.
    """

    server: ServerData
    owner: str
    state: GrantState
    grant: Grant | None
    usable: bool
    may_allow: bool
    may_end: bool


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A project on a server, as the server's owner sees it: nothing of what it is made of.

    `since`: when what was proven there last was proven; None when nothing was, or it was stopped.
    """

    project_id: UUID
    project_name: str
    owner: str
    stack_name: str
    state: GrantState
    grant: Grant | None
    since: datetime | None
    latest: Latest | None


def targets_of(*, caller: Caller, project_id: UUID) -> tuple[ProjectTarget, ...]:
    """Return the project's servers and those that the caller owns, usable ones first, then by name. Raises NotFound."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    may_deploy = access.may(caller=caller, project_id=project_id, right=Right.DEPLOY)
    given = {grant.server_id: grant for grant in grants.open_of_project(project_id=project_id)}
    servers = {server.id: server for server in machine_list.machines_of(caller).servers} if may_deploy else {}
    servers |= directory.servers_by_id(server_ids=given.keys() - servers.keys())
    owners = {server.id: server.owner_id for server in servers.values()}
    judge = server_rights.Judge(project=project, owners=owners)
    names = {owner_id: access.name_of(owner_id) for owner_id in set(owners.values())}
    approves = access.is_approver(user_id=caller.user_id, project=project)
    targets = [
        _target(
            caller=caller,
            server=server,
            owner=names[server.owner_id],
            grant=given.get(server.id),
            missing=judge.missing_sides(given.get(server.id)),
            may_deploy=may_deploy,
            approves=approves,
        )
        for server in servers.values()
    ]
    return tuple(sorted(targets, key=lambda target: (not target.usable, target.server.name, target.server.id)))


def _target(
    *,
    caller: Caller,
    server: ServerData,
    owner: str,
    grant: Grant | None,
    missing: set[Side],
    may_deploy: bool,
    approves: bool,
) -> ProjectTarget:
    own = {Side.SERVER} if server.owner_id == caller.user_id else set()
    own |= {Side.PROJECT} if approves else set()
    mine = set(Side) if caller.sees_everything else own
    return ProjectTarget(
        server=server,
        owner=owner,
        state=server_rights.state_of(missing),
        grant=grant,
        usable=may_deploy and missing <= mine,
        may_allow=may_deploy and bool(missing & mine),
        may_end=grant is not None and bool(mine),
    )


def tenants_of(*, caller: Caller, server_id: UUID) -> tuple[Tenant, ...]:
    """Return the projects on a server of the caller's, and those that may or might come, by name. Raises NotFound."""
    machine_list.get_server(caller=caller, server_id=server_id)
    given = {grant.project_id: grant for grant in grants.newest_of_server(server_id=server_id)}
    project_ids = sorted({*given, *tenants.projects_on(server_id=server_id)})[:MAX_TENANTS]
    owners = tenants.owners_of(project_ids=project_ids)
    found = [
        _tenant(project_id=project_id, server_id=server_id, owner=owners[project_id], grant=given.get(project_id))
        for project_id in project_ids
        if project_id in owners
    ]
    return tuple(sorted(found, key=lambda tenant: (tenant.project_name, tenant.project_id)))


def _tenant(*, project_id: UUID, server_id: UUID, owner: str, grant: Grant | None) -> Tenant:
    project = projects.get(project_id=project_id)
    proven = history.running(project_id=project_id, target_id=server_id)
    return Tenant(
        project_id=project_id,
        project_name=project.name,
        owner=owner,
        stack_name=generation.stack_name(project),
        state=server_rights.state_of(server_rights.missing_sides(grant=grant, project=project)),
        grant=grant,
        since=proven.created_at if proven is not None and proven.kind != Kind.STOP else None,
        latest=tenants.latest(project_id=project_id, server_id=server_id),
    )
