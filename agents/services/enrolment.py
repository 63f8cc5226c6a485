"""How a machine becomes an agent: a one-time token, then a credential of its own. Only hashes are stored."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from agents.errors import AgentNotFound, EnrolmentRefused, Unauthenticated
from agents.repositories import agents, tokens
from agents.types import AgentData, AgentInfo, IssuedToken, Registration

TOKEN_LIFETIME = timedelta(hours=1)
# Tells people and secret scanners what they are looking at.
TOKEN_PREFIX, CREDENTIAL_PREFIX = "axe_", "axa_"
# 256 bits of randomness: a plain hash is enough, there is nothing to guess.
SECRET_BYTES = 32


def create_token(*, server_id: UUID, owner_id: UUID, lifetime: timedelta = TOKEN_LIFETIME) -> IssuedToken:
    """A token with which one agent may register for this server, once. The caller has checked who may ask.

    The clear text exists only in the answer.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    expires_at = tokens.add(server_id=server_id, owner_id=owner_id, token_hash=_hash(token), valid_for=lifetime)
    return IssuedToken(token=token, server_id=server_id, expires_at=expires_at)


def register(*, token: str, server_id: UUID | None, info: AgentInfo, new_id: UUID) -> Registration:
    """Spend the token and hand out the agent's credential, in one transaction.

    A server that had an agent keeps its id (`new_id` is then unused) while its old credential ends. `server_id` must
    be the token's, or None to take the token's word. Raises EnrolmentRefused without saying which check failed.
    """
    credential = CREDENTIAL_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        spent = tokens.use(token_hash=_hash(token), server_id=server_id)
        if spent is None:
            raise EnrolmentRefused
        server, owner = spent
        agent_id = agents.enrol(
            server_id=server, owner_id=owner, new_id=new_id, credential_hash=_hash(credential), info=info
        )
    return Registration(agent_id=agent_id, server_id=server, credential=credential)


def authenticate(*, credential: str) -> AgentData:
    """The active agent with this credential. Raises Unauthenticated."""
    wanted = _hash(credential)
    found = agents.by_credential(credential_hash=wanted)
    if found is None or not hmac.compare_digest(found[1], wanted):
        raise Unauthenticated
    return found[0]


def open_session(*, agent_id: UUID, credential: str, session_id: UUID, version: str) -> None:
    """Let this session speak for the agent, in place of any earlier one. Raises Unauthenticated."""
    opened = agents.open_session(
        agent_id=agent_id, session_id=session_id, credential_hash=_hash(credential), version=version
    )
    if not opened:
        raise Unauthenticated


def revoke(*, agent_id: UUID) -> None:
    """End the agent's credential; its session is dropped within seconds. Raises AgentNotFound."""
    if not agents.revoke(agent_id=agent_id):
        raise AgentNotFound


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
