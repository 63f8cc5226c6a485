"""Servers and clusters: one interface, two sources. Agents enrol with us in either case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog

from agents.errors import AgentNotFound, ServerNotFound
from agents.services import directory
from deployments.clients.envelope import member
from deployments.clients.peers import (
    GET_CLUSTER,
    GET_SERVER,
    LIST_CLUSTER_SERVERS,
    Peer,
    Question,
    ask,
    metadata_of,
    uses,
)
from deployments.errors import Forbidden, Invalid, NotFound, PeerFailed, Transient
from deployments.types import Caller, Target, TargetKind

MAX_NAME = 100
MAX_HOST = 255
MOST_SERVERS = 100

logger = structlog.get_logger(__name__)


class Infrastructure(Protocol):
    """Where stacks can run."""

    def target_name(self, *, caller: Caller, target: Target) -> str | None:
        """What people call the target; None when it is missing or not the caller's."""

    def agent_of(self, *, target: Target) -> UUID:
        """The agent that a command for the server goes to. Raises Transient while there is none."""


class OwnInfrastructure:
    """Servers, clusters and agents of our own tables."""

    def target_name(self, *, caller: Caller, target: Target) -> str | None:
        try:
            found = (
                directory.get_server(server_id=target.id)
                if target.kind is TargetKind.SERVER
                else directory.get_cluster(cluster_id=target.id)
            )
        except ServerNotFound:
            return None
        return found.name if caller.sees_everything or found.owner_id == caller.user_id else None

    def agent_of(self, *, target: Target) -> UUID:
        try:
            return directory.agent_for_server(server_id=target.id).id
        except AgentNotFound as error:
            raise Transient("No agent is enrolled on this server. Enrol one from its page.") from error


class PeerInfrastructure(OwnInfrastructure):
    """Servers and clusters of infrastructure-service, kept in our tables as last seen, so that agents can enrol there.

    No transaction may be open when it is asked. Raises PeerFailed when it cannot be.
    """

    def target_name(self, *, caller: Caller, target: Target) -> str | None:
        if target.kind is TargetKind.SERVER:
            return self._server(caller=caller, server_id=target.id)
        return self._cluster(caller=caller, cluster_id=target.id)

    def _server(self, *, caller: Caller, server_id: UUID) -> str | None:
        said = own(GET_SERVER, "server", caller=caller, wanted=server_id)
        return name_of(said, server_id) if said and kept(caller=caller, server_id=server_id, said=said) else None

    def _cluster(self, *, caller: Caller, cluster_id: UUID) -> str | None:
        said = own(GET_CLUSTER, "cluster", caller=caller, wanted=cluster_id)
        if said is None:
            return None
        name = name_of(said, cluster_id)
        members = servers_of(caller=caller, cluster_id=cluster_id)
        if not directory.keep_cluster(cluster_id=cluster_id, owner_id=caller.user_id, name=name):
            another_owner(cluster_id)
            return None
        joined = {
            server_id
            for server_id, said in members.items()
            if kept(caller=caller, server_id=server_id, said=said, cluster_id=cluster_id)
        }
        directory.keep_members(cluster_id=cluster_id, server_ids=joined)
        return name


def kept(*, caller: Caller, server_id: UUID, said: Mapping[str, Any], cluster_id: UUID | None = None) -> bool:
    """Whether our row of the server is the caller's and now as the peer says."""
    done = directory.keep_server(
        server_id=server_id,
        owner_id=caller.user_id,
        name=name_of(said, server_id),
        host=str(said.get("host") or "").replace("\x00", "")[:MAX_HOST],
        cluster_id=cluster_id,
    )
    if not done:
        another_owner(server_id)
    return done


def own(question: Question, name: str, *, caller: Caller, wanted: UUID) -> Mapping[str, Any] | None:
    """What the peer says of the thing when it is the caller's; None when it is not, or is missing."""
    payload = {"metadata": metadata_of(caller=caller), f"{name}Id": str(wanted)}
    try:
        found = member(ask(question, payload), name)
    except (NotFound, Forbidden, Invalid):
        return None
    if not isinstance(found, dict):
        raise PeerFailed(f"infrastructure-service answered without a {name}.")
    mine = found.get("id") == str(wanted) and found.get("userId") == str(caller.user_id)
    return found if mine else None


def servers_of(*, caller: Caller, cluster_id: UUID) -> dict[UUID, Mapping[str, Any]]:
    """The caller's servers in the cluster by id, of the first MOST_SERVERS."""
    payload = {
        "metadata": metadata_of(caller=caller),
        "clusterId": str(cluster_id),
        "pagination": {"page": 1, "limit": MOST_SERVERS},
    }
    found = member(ask(LIST_CLUSTER_SERVERS, payload), "servers")
    if not isinstance(found, list):
        raise PeerFailed("infrastructure-service answered without servers.")
    mine = [each for each in found if isinstance(each, dict) and each.get("userId") == str(caller.user_id)]
    return {UUID(each["id"]): each for each in mine if is_uuid(each.get("id"))}


def is_uuid(text: object) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def name_of(said: Mapping[str, Any], thing_id: UUID) -> str:
    name = str(said.get("name") or "").replace("\x00", "").strip()
    return name[:MAX_NAME] or str(thing_id)[:8]


def another_owner(thing_id: UUID) -> None:
    """Our row of this id is somebody else's: an agent there must never change hands by itself."""
    logger.warning("a machine of the peer is another owner's here, ask an administrator", id=str(thing_id))


def infrastructure() -> Infrastructure:
    """The configured source."""
    return PeerInfrastructure() if uses(Peer.INFRASTRUCTURE) else OwnInfrastructure()
