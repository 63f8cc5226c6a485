"""Servers, of our own tables or of infrastructure-service. Agents enrol with us in either case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog

from agents.errors import AgentNotFound, ServerNotFound
from agents.services import directory
from deployments.clients.envelope import member
from deployments.clients.peers import GET_SERVER, Peer, ask, metadata_of, uses
from deployments.errors import Forbidden, Invalid, NotFound, PeerFailed, Transient
from deployments.names import MAX_NAME
from deployments.types import Caller, Target

MAX_HOST = 255

logger = structlog.get_logger(__name__)


class Infrastructure(Protocol):
    """Where stacks can run. Clusters are of our own tables everywhere."""

    def is_owner(self, *, caller: Caller, server_id: UUID) -> bool:
        """Return whether the server or cluster exists and is the caller's own."""

    def agent_of(self, *, target: Target) -> UUID:
        """Return the agent that a command for the server goes to. Raises Transient while there is none."""


class OwnInfrastructure:
    """Servers and agents of our own tables."""

    def is_owner(self, *, caller: Caller, server_id: UUID) -> bool:
        return directory.owner_of_target(target_id=server_id) == caller.user_id

    def agent_of(self, *, target: Target) -> UUID:
        try:
            return directory.agent_for_server(server_id=target.id).id
        except AgentNotFound as error:
            raise Transient("No agent is enrolled on this server. Enrol one from its page.") from error


class PeerInfrastructure(OwnInfrastructure):
    """Servers of infrastructure-service, kept in our tables as last seen, so that agents can enrol there.

    No transaction may be open when it is asked. Raises PeerFailed when it cannot be.
    """

    def is_owner(self, *, caller: Caller, server_id: UUID) -> bool:
        if is_cluster(target_id=server_id):
            return super().is_owner(caller=caller, server_id=server_id)
        peer_server = own_server(caller=caller, server_id=server_id)
        return peer_server is not None and store_server(caller=caller, server_id=server_id, peer_server=peer_server)


def store_server(*, caller: Caller, server_id: UUID, peer_server: Mapping[str, Any]) -> bool:
    """Store the server as the peer has it; return False where our row of it is another owner's."""
    stored = directory.store_peer_server(
        server_id=server_id,
        owner_id=caller.user_id,
        name=name_of(peer_server, server_id),
        host=str(peer_server.get("host") or "").replace("\x00", "")[:MAX_HOST],
    )
    if not stored:
        # An agent there must never change hands by itself.
        logger.warning("a server of the peer is another owner's here, ask an administrator", id=str(server_id))
    return stored


def own_server(*, caller: Caller, server_id: UUID) -> Mapping[str, Any] | None:
    """Return the peer's row of the server when it is the caller's; None when it is not, or is missing."""
    payload = {"metadata": metadata_of(caller=caller), "serverId": str(server_id)}
    try:
        server = member(ask(GET_SERVER, payload), "server")
    except (NotFound, Forbidden, Invalid):
        return None
    if not isinstance(server, dict):
        raise PeerFailed("infrastructure-service answered without a server.")
    mine = server.get("id") == str(server_id) and server.get("userId") == str(caller.user_id)
    return server if mine else None


def is_cluster(*, target_id: UUID) -> bool:
    """Return whether this is a cluster of our tables."""
    try:
        directory.get_cluster(cluster_id=target_id)
    except ServerNotFound:
        return False
    return True


def name_of(peer_server: Mapping[str, Any], server_id: UUID) -> str:
    name = str(peer_server.get("name") or "").replace("\x00", "").strip()
    return name[:MAX_NAME] or str(server_id)[:8]


def infrastructure() -> Infrastructure:
    """Return the configured source."""
    return PeerInfrastructure() if uses(Peer.INFRASTRUCTURE) else OwnInfrastructure()
