"""The right of a project to a server: two halves, given by use or by word, judged anew each time it matters.

A half counts only while whoever gave it still could: an approver of the project, or its owner, for its half; for the
server's half its owner, who is the project's owner, too, or a deployer of it. A superuser may give either in their
place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from uuid import UUID

from agents.services import directory
from agents.wording.sentences import sentence
from deployments.clients.infrastructure import infrastructure
from deployments.data.sharing_types import Grant, GrantState, Half
from deployments.errors import Forbidden, NotFound
from deployments.repositories import grants, lanes
from deployments.repositories.grants import Side
from deployments.services.permissions import target_agents
from deployments.services.permissions.access import is_approver, is_deployer
from deployments.types import Caller, ProjectRecord, Target, TargetKind

NO_SERVER = "No such server."


def sides_given_by_use(*, caller: Caller, project: ProjectRecord, target: Target) -> tuple[Side, ...]:
    """Return the halves that the caller gives by deploying there. Asks a peer that has the servers.

    No transaction is open. Raises Invalid for a cluster that is no Swarm, Forbidden with what is missing, NotFound for
    a server that is not the project's.
    """
    if target.kind is TargetKind.CLUSTER and directory.owner_of_target(target_id=target.id) is None:
        raise _not_found(target)
    sides = own_sides(caller=caller, project=project, server_id=target.id)
    try:
        if not caller.sees_everything:
            require_grant(project=project, server_id=target.id, given=sides)
        elif directory.owner_of_target(target_id=target.id) is None:
            raise server_not_found()
    except NotFound:
        raise _not_found(target) from None
    # Only now: a stranger learns nothing of a cluster.
    target_agents.refuse_unready(target)
    # A superuser who deploys for others is allowed this one deployment and gives nobody a right that lasts.
    return sides if set(sides) == set(Side) or not caller.sees_everything else ()


def _not_found(target: Target) -> NotFound:
    if target.kind is TargetKind.CLUSTER:
        return NotFound(sentence("No such cluster."), details={"clusterId": sentence("not found")})
    return server_not_found()


def own_sides(*, caller: Caller, project: ProjectRecord, server_id: UUID) -> tuple[Side, ...]:
    """Return the halves that are the caller's to give. Raises PeerFailed when a peer has the servers and is away."""
    sides = (Side.PROJECT,) if is_approver(user_id=caller.user_id, project=project) else ()
    return (*sides, Side.SERVER) if infrastructure().is_owner(caller=caller, server_id=server_id) else sides


def require_grant(*, project: ProjectRecord, server_id: UUID, given: Collection[Side] = ()) -> None:
    """Raise Forbidden or NotFound unless both halves are there, counting those that are given just now."""
    if set(given) == set(Side):
        return
    grant = grants.newest(project_id=project.id, server_id=server_id)
    missing = missing_sides(grant=grant, project=project) - set(given)
    if not missing:
        return
    if Side.SERVER not in given and not is_known(project_id=project.id, server_id=server_id):
        raise server_not_found()
    raise Forbidden(explain_missing(missing), details={"serverId": sentence("not granted to the project")})


def is_known(*, project_id: UUID, server_id: UUID) -> bool:
    """Return whether somebody gave or ended a right between project and server, or it ran there."""
    if grants.newest(project_id=project_id, server_id=server_id) is not None:
        return True
    return lanes.last_started(project_id=project_id, target_id=server_id) is not None


def server_not_found() -> NotFound:
    return NotFound(NO_SERVER, details={"serverId": sentence("not found")})


def project_not_found() -> NotFound:
    return NotFound(sentence("No such project on this server."), details={"projectId": sentence("not found")})


def owns_server(*, user_id: UUID, server_id: UUID) -> bool:
    """Return whether the user owns the server by our own tables, which have the servers of a peer as last seen."""
    return directory.owner_of_target(target_id=server_id) == user_id


def is_granted(*, project: ProjectRecord, server_id: UUID) -> bool:
    """Return whether both owners let the project use the server now."""
    grant = grants.newest(project_id=project.id, server_id=server_id)
    return not missing_sides(grant=grant, project=project)


def missing_sides(*, grant: Grant | None, project: ProjectRecord) -> set[Side]:
    """Return the halves that nobody gave, or whose giver could not give them any more."""
    return Judge(project=project).missing_sides(grant)


class Judge:
    """Judges grants of one project; each person is looked up once, and servers whose owners are given not at all."""

    def __init__(self, *, project: ProjectRecord, owners: Mapping[UUID, UUID] | None = None) -> None:
        self._owners = owners or {}
        self._approves = cache(lambda user_id: is_approver(user_id=user_id, project=project))
        self._deploys = cache(lambda user_id: is_deployer(user_id=user_id, project=project))

    def missing_sides(self, grant: Grant | None) -> set[Side]:
        """Return the halves that nobody gave, or whose giver could not give them any more."""
        if grant is None or grant.ended_at is not None:
            return set(Side)
        missing = set()
        if not self._approved(grant.project_half):
            missing.add(Side.PROJECT)
        owner_id = self._owners.get(grant.server_id) or directory.owner_of_target(target_id=grant.server_id)
        if owner_id is None or not _counts(grant.server_half, owner_id=owner_id) or not self._belongs(grant):
            missing.add(Side.SERVER)
        return missing

    def _approved(self, half: Half | None) -> bool:
        """Return whether who gave the project's half could give it still: its owner, an approver or a superuser."""
        if half is None or not half.is_active:
            return False
        return half.is_superuser or self._approves(half.by_id)

    def _belongs(self, grant: Grant) -> bool:
        """Return whether who gave the server's half has still to do with the project."""
        half = grant.server_half
        return half is not None and (half.is_superuser or self._deploys(half.by_id))


def _counts(half: Half | None, *, owner_id: UUID) -> bool:
    return half is not None and half.is_active and (half.is_superuser or half.by_id == owner_id)


def state_of(missing: Collection[Side]) -> GrantState:
    """Return how far two owners agree of whose halves these are missing."""
    if not missing:
        return GrantState.GRANTED
    if set(missing) == {Side.PROJECT}:
        return GrantState.OFFERED
    return GrantState.ASKED if set(missing) == {Side.SERVER} else GrantState.NONE


def explain_missing(missing: Collection[Side]) -> str:
    """Return what is missing and whom to ask, for people."""
    if set(missing) == {Side.PROJECT}:
        return "The project has not allowed this server. Offer it, and ask the project's owner or an approver for that."
    if set(missing) == {Side.SERVER}:
        return "The server's owner has not allowed this project there. Ask the owner of the server to offer it."
    return "This project may not use that server. The owners of both have to allow it."
