"""How a machine becomes an agent: a one-time token, then a credential of its own. Only hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction

from agents.errors import AgentIsConnected, AgentNotFound, EnrolmentRefused, NotFound, Unauthenticated
from agents.repositories import agents, tokens
from agents.types import AgentData, AgentInfo, EnrolmentTokenData, IssuedToken, Registration

logger = structlog.get_logger(__name__)

TOKEN_LIFETIME = timedelta(hours=1)
# Tells people and secret scanners what they are looking at.
TOKEN_PREFIX, CREDENTIAL_PREFIX = "axe_", "axa_"
# 256 bits of randomness: a plain hash is enough, there is nothing to guess.
SECRET_BYTES = 32


def create_token(
    *, server_id: UUID, owner_id: UUID, lifetime: timedelta = TOKEN_LIFETIME, replace: bool = False
) -> IssuedToken:
    """Return a token with which one agent may register for this server, once. The caller has checked who may ask.

    Earlier ones of the server end. Only with `replace` it admits an agent while another one is connected. The clear
    text exists only in the answer.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        added = tokens.add(
            server_id=server_id,
            owner_id=owner_id,
            token_hash=hash_of(token),
            valid_for=lifetime,
            may_replace=replace,
        )
    return IssuedToken(token=token, server_id=server_id, expires_at=added.expires_at)


def list_tokens(*, server_id: UUID) -> tuple[EnrolmentTokenData, ...]:
    """Return the tokens that would admit an agent now."""
    return tokens.of_server(server_id=server_id)


def end_token(*, server_id: UUID, token_id: UUID) -> None:
    """End the token: it admits nobody from now on. Raises NotFound."""
    if not tokens.end(server_id=server_id, token_id=token_id):
        raise NotFound("No such token.")


def register(*, token: str, server_id: UUID | None, info: AgentInfo, new_id: UUID) -> Registration:
    """Spend the token and hand out the agent's credential, in one transaction.

    A server that had an agent keeps its id (`new_id` is then unused) while its old credential ends. `server_id` must
    be the token's, or None to take the token's word. Raises EnrolmentRefused without saying which check failed, or
    AgentIsConnected, which leaves the token unspent.
    """
    credential = CREDENTIAL_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        spent = tokens.use(token_hash=hash_of(token), server_id=server_id)
        if spent is None:
            raise EnrolmentRefused
        live = agents.is_connected(server_id=spent.server_id)
        if live and not spent.may_replace:
            raise AgentIsConnected
        agent_id = agents.enrol(
            server_id=spent.server_id,
            owner_id=spent.owner_id,
            new_id=new_id,
            credential_hash=hash_of(credential),
            info=info,
        )
        if live:
            tokens.note_replaced(token_id=spent.id)
    if live:
        logger.warning(
            "an agent that was connected was replaced", server_id=str(spent.server_id), agent_id=str(agent_id)
        )
    return Registration(agent_id=agent_id, server_id=spent.server_id, credential=credential)


def authenticate(*, credential: str) -> AgentData:
    """Return the active agent with this credential. Raises Unauthenticated."""
    wanted = hash_of(credential)
    found = agents.by_credential(credential_hash=wanted)
    if found is None or not hmac.compare_digest(found[1], wanted):
        raise Unauthenticated
    return found[0]


def credential_hash_of(*, agent_id: UUID) -> str | None:
    """Return the hash of the active agent's credential: what both sides of a link over the broker know."""
    return agents.credential_hash_of(agent_id=agent_id)


def revoke(*, agent_id: UUID) -> None:
    """End the agent's credential and its server's tokens; its session is dropped within seconds.

    Raises AgentNotFound.
    """
    with transaction.atomic():
        found = agents.get(agent_id=agent_id)
        if found is None:
            raise AgentNotFound
        # In the order in which enrolling takes its locks.
        tokens.end_all(server_id=found.server_id)
        if not agents.revoke(agent_id=agent_id):
            raise AgentNotFound


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
