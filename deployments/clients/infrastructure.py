"""Servers: one interface, two sources. Agents enrol with us in either case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog

from agents.errors import AgentNotFound
from agents.services import directory
from deployments.clients.envelope import member
from deployments.clients.peers import GET_SERVER, Peer, ask, metadata_of, uses
from deployments.errors import Forbidden, Invalid, NotFound, PeerFailed, Transient
from deployments.names import MAX_NAME
from deployments.types import Caller, Target

MAX_HOST = 255

logger = structlog.get_logger(__name__)


class Infrastructure(Protocol):
    """Where stacks can run."""

    def is_owner(self, *, caller: Caller, server_id: UUID) -> bool:
        """Whether the server is there and the caller's own."""

    def agent_of(self, *, target: Target) -> UUID:
        """The agent that a command for the server goes to. Raises Transient while there is none."""


class OwnInfrastructure:
    """Servers and agents of our own tables."""

    def is_owner(self, *, caller: Caller, server_id: UUID) -> bool:
        return directory.owner_of_server(server_id=server_id) == caller.user_id

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
        said = own(caller=caller, server_id=server_id)
        return said is not None and kept(caller=caller, server_id=server_id, said=said)


def kept(*, caller: Caller, server_id: UUID, said: Mapping[str, Any]) -> bool:
    """Whether our row of the server is the caller's and now as the peer says."""
    done = directory.store_peer_server(
        server_id=server_id,
        owner_id=caller.user_id,
        name=name_of(said, server_id),
        host=str(said.get("host") or "").replace("\x00", "")[:MAX_HOST],
    )
    if not done:
        another_owner(server_id)
    return done


def own(*, caller: Caller, server_id: UUID) -> Mapping[str, Any] | None:
    """What the peer says of the server when it is the caller's; None when it is not, or is missing."""
    payload = {"metadata": metadata_of(caller=caller), "serverId": str(server_id)}
    try:
        found = member(ask(GET_SERVER, payload), "server")
    except (NotFound, Forbidden, Invalid):
        return None
    if not isinstance(found, dict):
        raise PeerFailed("infrastructure-service answered without a server.")
    mine = found.get("id") == str(server_id) and found.get("userId") == str(caller.user_id)
    return found if mine else None


def name_of(said: Mapping[str, Any], thing_id: UUID) -> str:
    name = str(said.get("name") or "").replace("\x00", "").strip()
    return name[:MAX_NAME] or str(thing_id)[:8]


def another_owner(thing_id: UUID) -> None:
    """Our row of this id is somebody else's: an agent there must never change hands by itself."""
    logger.warning("a machine of the peer is another owner's here, ask an administrator", id=str(thing_id))


def infrastructure() -> Infrastructure:
    """The configured source."""
    return PeerInfrastructure() if uses(Peer.INFRASTRUCTURE) else OwnInfrastructure()
