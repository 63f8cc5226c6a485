"""Whether who asked for a deployment may still have it: asked again when it starts, and while agents fetch for it."""

from __future__ import annotations

from datetime import datetime

from deployments.data.sharing_types import Asker
from deployments.repositories import deployments, grants
from deployments.repositories.grants import Side
from deployments.services.permissions import server_rights, target_agents
from deployments.services.permissions.access import is_deployer
from deployments.states import Kind
from deployments.types import DeploymentRecord, ProjectRecord


def why_refused(*, deployment: DeploymentRecord, project: ProjectRecord) -> str:
    """Return why it must not start (any more), for people; empty when it may. Holds only under the lane's lock."""
    if deployment.kind != Kind.STOP and (unready := target_agents.why_unready(deployment.target)):
        return unready
    asker = deployments.asker(deployment_id=deployment.id)
    if not asker.is_active:
        return f"The account of {asker.name}, who asked for this, is disabled."
    if asker.is_superuser:
        return _forbidden_since(deployment)
    if deployment.kind == Kind.STOP and _owns_either(asker, project=project, deployment=deployment):
        return ""
    if not is_deployer(user_id=asker.id, project=project):
        return f"{asker.name}, who asked for this, may no longer deploy this project."
    return _why_not_there(deployment=deployment, project=project, asker=asker)


def _why_not_there(*, deployment: DeploymentRecord, project: ProjectRecord, asker: Asker) -> str:
    grant = grants.newest(project_id=project.id, server_id=deployment.target.id)
    if grant is None and _owns_both(asker, project=project, deployment=deployment):
        return ""
    missing = server_rights.missing_sides(grant=grant, project=project)
    return server_rights.explain_missing(missing) if missing else ""


def give_missing_grant(*, deployment: DeploymentRecord, project: ProjectRecord, at: datetime) -> None:
    """Give the grant of who owns both, for a deployment that was stored by a version without grants.

    Inside a transaction that holds the lane's lock, after `why_refused` said nothing.
    """
    server_id = deployment.target.id
    if deployment.kind == Kind.STOP or grants.newest(project_id=project.id, server_id=server_id) is not None:
        return
    asker = deployments.asker(deployment_id=deployment.id)
    if _owns_both(asker, project=project, deployment=deployment):
        grants.give(project_id=project.id, server_id=server_id, sides=tuple(Side), by=asker.id, at=at)


def _owns_either(asker: Asker, *, project: ProjectRecord, deployment: DeploymentRecord) -> bool:
    return project.owner_id == asker.id or server_rights.owns_server(user_id=asker.id, server_id=deployment.target.id)


def _owns_both(asker: Asker, *, project: ProjectRecord, deployment: DeploymentRecord) -> bool:
    return project.owner_id == asker.id and server_rights.owns_server(user_id=asker.id, server_id=deployment.target.id)


def _forbidden_since(deployment: DeploymentRecord) -> str:
    # A superuser's word is for one deployment, and an owner's word after it stands over it.
    ended = grants.ended_since(
        project_id=deployment.project_id, server_id=deployment.target.id, moment=deployment.created_at
    )
    return "The project's right to this server was ended after this was asked for." if ended else ""


def may_run_on(*, deployment: DeploymentRecord, project: ProjectRecord) -> bool:
    """Return whether what was started there may still have its values and code.

    By the project's right to the server; where it never had one, by the superuser who asked.
    """
    if server_rights.is_granted(project=project, server_id=deployment.target.id):
        return True
    asker = deployments.asker(deployment_id=deployment.id)
    return asker.is_active and asker.is_superuser and not _forbidden_since(deployment)
