"""Who may do what. Every door asks here, and a stranger gets the same answer as for something that does not exist."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from agents.wording.sentences import sentence
from deployments.data.list_types import DeploymentStamp
from deployments.errors import Conflict, Forbidden, NotFound, Unauthenticated
from deployments.repositories import deployments, projects, users
from deployments.repositories.reads import stamps
from deployments.roles import Role, allows, greatest
from deployments.services.permissions import peer_projects
from deployments.types import Caller, DeploymentRecord, ProjectRecord, Right

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

DELETED = "deleted"
MAX_LISTED = 1000


def caller_of(user: AbstractBaseUser | AnonymousUser | None) -> Caller:
    """Return the checked identity of a signed-in user. Raises Unauthenticated for nobody and for a disabled account."""
    if user is None or not user.is_authenticated or not getattr(user, "is_active", False):
        raise Unauthenticated(sentence("Sign in first."))
    superuser = bool(getattr(user, "is_superuser", False))
    return Caller(user_id=user.pk, name=user.get_username(), sees_everything=superuser)


def verified_caller(*, user_id: UUID) -> Caller:
    """Return who was vouched for, who gets a row at first sight, so that people can share projects with it.

    Raises Unauthenticated for a disabled account.
    """
    return _with_allowed_rights(caller_of(users.ensure(user_id=user_id)))


def claimed_caller(*, user_id: UUID) -> Caller:
    """Return who only claims to be somebody: without a row a stranger to everything. Raises Unauthenticated."""
    user = users.find(user_id=user_id)
    return Caller(user_id=user_id, name=str(user_id)) if user is None else _with_allowed_rights(caller_of(user))


def _with_allowed_rights(caller: Caller) -> Caller:
    # A superuser is a user like others here unless AXION_KAFKA_SUPERUSERS says otherwise.
    return replace(caller, sees_everything=caller.sees_everything and settings.AXION_KAFKA_SUPERUSERS)


def project_for(*, caller: Caller, project_id: UUID, right: Right) -> ProjectRecord:
    """Return the project. Raises NotFound for strangers, Forbidden for members without the right, or Conflict where it
    is being deleted or gone and more than seeing it is asked for.

    Where graph-service has the projects, one that we never saw is asked for there, and PeerFailed raised when it cannot
    be; no transaction may be open then.
    """
    project = projects.find_visible(caller=caller, project_id=project_id) or peer_projects.import_peer_project(
        caller=caller, project_id=project_id
    )
    if project is None:
        raise NotFound(sentence("No such project."))
    _require_right(caller=caller, project=project, right=right)
    if right is not Right.SEE and project.deletion:
        raise Conflict(
            sentence("This project is {value}.", value="gone" if project.deletion == DELETED else "being deleted")
        )
    return project


def viewers_among(*, project_id: UUID, callers: Collection[Caller]) -> frozenset[UUID]:
    """Return which of these may certainly see the project now, by user id, as `project_for` would say of each.

    Of who is not among them nothing is known: ask `project_for`.
    """
    some = next((caller for caller in callers if caller.sees_everything), None)
    found = projects.viewers_among(project_id=project_id, user_ids={caller.user_id for caller in callers})
    if some is None or projects.find_visible(caller=some, project_id=project_id) is None:
        return found
    return found | {caller.user_id for caller in callers if caller.sees_everything}


def project_to_end(*, caller: Caller, project_id: UUID) -> ProjectRecord:
    """Return the project to its owner, also one that is being deleted or gone. Raises NotFound or Forbidden."""
    project = project_for(caller=caller, project_id=project_id, right=Right.SEE)
    _require_right(caller=caller, project=project, right=Right.MANAGE)
    return project


def _require_right(*, caller: Caller, project: ProjectRecord, right: Right) -> None:
    if caller.sees_everything or project.owner_id == caller.user_id or right is Right.SEE:
        return
    role = role_of(user_id=caller.user_id, project=project)
    if not allows(role, right):
        raise Forbidden(
            sentence(
                "Your role in this project ({value}) does not allow to {right} it. Ask its owner.",
                value=role or "none",
                right=right,
            )
        )


def role_of(*, user_id: UUID, project: ProjectRecord) -> Role | None:
    """Return what this person is in the project, by themselves or by a group, whichever may do more."""
    if project.owner_id == user_id:
        return Role.OWNER
    return greatest(projects.roles_of(user_id=user_id, project_id=project.id))


def is_deployer(*, user_id: UUID, project: ProjectRecord) -> bool:
    """Return whether this person may deploy the project, by any role that includes that."""
    return allows(role_of(user_id=user_id, project=project), Right.DEPLOY)


def is_approver(*, user_id: UUID, project: ProjectRecord) -> bool:
    """Return whether this person may allow a server for the project: its owner, or by a role that includes that."""
    return allows(role_of(user_id=user_id, project=project), Right.APPROVE)


def may_manage(*, user_id: UUID, project: ProjectRecord) -> bool:
    """Return whether this person, who is not here to ask, may manage the project now: its owner, or a superuser."""
    user = users.find(user_id=user_id)
    return user is not None and user.is_active and (project.owner_id == user_id or user.is_superuser)


def may_end(*, caller: Caller, project: ProjectRecord) -> bool:
    """Return whether the caller may end the project, or see how far its end is, whether or not it is underway."""
    return caller.sees_everything or project.owner_id == caller.user_id


def may(*, caller: Caller, project_id: UUID, right: Right) -> bool:
    """Return whether a caller who may see the project may do this, too."""
    try:
        project_for(caller=caller, project_id=project_id, right=right)
    except (Forbidden, Conflict):
        return False
    return True


def project_to_deploy(*, caller: Caller, project_id: UUID) -> ProjectRecord:
    """Return the project to who may deploy it, with ownership asked anew where graph-service has the projects."""
    project = project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    if project.owner_id == caller.user_id and not peer_projects.is_still_owner(caller=caller, project_id=project_id):
        raise NotFound(sentence("No such project."))
    return project


def owner_name(project: ProjectRecord) -> str:
    """Return the owner's name, for people to ask."""
    return name_of(project.owner_id)


def name_of(user_id: UUID) -> str:
    """Return the person's name; empty for nobody that is known."""
    user = users.find(user_id=user_id)
    return user.get_username() if user else ""


def acts_for(*, caller: Caller, project: ProjectRecord) -> str:
    """Return the owner's name when the caller may touch the project as a superuser alone; empty otherwise."""
    if not caller.sees_everything or is_deployer(user_id=caller.user_id, project=project):
        return ""
    return owner_name(project)


def deployment_for(*, caller: Caller, deployment_id: UUID, right: Right) -> DeploymentRecord:
    """Return the deployment. Raises NotFound for strangers, Forbidden for members without the right."""
    deployment = deployments.get(deployment_id=deployment_id)
    _require_deployment(
        caller=caller, owner_id=deployment.project_owner_id, project_id=deployment.project_id, right=right
    )
    return deployment


def stamp_to_see(*, caller: Caller, deployment_id: UUID) -> DeploymentStamp:
    """Return which state of the deployment is stored, to who may see it. Raises NotFound, also for strangers."""
    stamp = stamps.stamp_of(deployment_id=deployment_id)
    _require_deployment(caller=caller, owner_id=stamp.project_owner_id, project_id=stamp.project_id, right=Right.SEE)
    return stamp


def _require_deployment(*, caller: Caller, owner_id: UUID, project_id: UUID, right: Right) -> None:
    if caller.sees_everything or owner_id == caller.user_id:
        return
    try:
        project_for(caller=caller, project_id=project_id, right=right)
    except NotFound:
        raise NotFound(sentence("No such deployment.")) from None


def projects_of(caller: Caller) -> tuple[ProjectRecord, ...]:
    """Return the projects that the caller may see, by name."""
    return projects.list_visible(caller=caller, limit=MAX_LISTED)
