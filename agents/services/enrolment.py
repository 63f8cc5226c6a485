"""How a machine becomes an agent: a one-time token, then a credential of its own. Only hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from agents.errors import (
    AgentIsConnected,
    AgentNotFound,
    CertificateRefused,
    EnrolmentRefused,
    NotFound,
    Unauthenticated,
)
from agents.pki.certificates import UnusableRequest, requested_key_hash
from agents.pki.records import AgentCertificateData, Keyed
from agents.pki.sealed_values import PUBLIC_KEY_BYTES
from agents.pki.tickets import format_ticket, secret_in
from agents.repositories import agents, authorities, gateways, tokens
from agents.services import authority, gateway_places
from agents.types import AgentData, AgentInfo, EnrolmentTokenData, IssuedToken, Registration
from agents.wording.sentences import sentence

logger = structlog.get_logger(__name__)

TOKEN_LIFETIME = timedelta(hours=1)
# Tells people and secret scanners what they are looking at.
TOKEN_PREFIX, CREDENTIAL_PREFIX = "axe_", "axa_"
# 256 bits of randomness: a plain hash is enough, there is nothing to guess.
SECRET_BYTES = 32


def create_token(
    *,
    server_id: UUID,
    owner_id: UUID,
    lifetime: timedelta = TOKEN_LIFETIME,
    replace: bool = False,
    reached_by: str | None = None,
) -> IssuedToken:
    """Return a token with which one agent may register for this server, once. The caller has checked who may ask.

    Earlier ones of the server end. Only with `replace` it admits an agent while another one is connected. The clear
    text exists only in the answer. `reached_by`: the host by which the agent's machine reaches the gateway, so that the
    token names address and authority; empty for the first of the gateway's names, None for the secret alone.
    """
    now = datetime.now(UTC)
    place = None if reached_by is None else gateway_places.place_for(reached_by=reached_by, now=now)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        added = tokens.add(
            server_id=server_id,
            owner_id=owner_id,
            token_hash=hash_of(secret),
            valid_for=lifetime,
            may_replace=replace,
        )
    token = secret if place is None else format_ticket(secret=secret, pin=place.pin, address=place.address)
    return IssuedToken(token=token, server_id=server_id, expires_at=added.expires_at)


def list_tokens(*, server_id: UUID) -> tuple[EnrolmentTokenData, ...]:
    """Return the tokens that would admit an agent now."""
    return tokens.of_server(server_id=server_id)


def end_token(*, server_id: UUID, token_id: UUID) -> None:
    """End the token: it admits nobody from now on. Raises NotFound."""
    if not tokens.end(server_id=server_id, token_id=token_id):
        raise NotFound(sentence("No such token."))


def register(
    *, token: str, server_id: UUID | None, info: AgentInfo, new_id: UUID, keyed: Keyed | None = None
) -> Registration:
    """Spend the token and hand out the agent's credential, in one transaction; with `keyed` a certificate, too.

    A server that had an agent keeps its id (`new_id` is then unused) while its old credential and certificates end.
    `server_id` must be the token's, or None to take the token's word. Whoever spent the token with a key may ask again
    with the same one for a while, in case the answer was lost. Raises EnrolmentRefused without saying which check
    failed, CertificateRefused, or AgentIsConnected; all leave the token as it was.
    """
    key_hash = _key_hash_of(keyed)
    credential = CREDENTIAL_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    now = datetime.now(UTC)
    if keyed is not None:
        authority.ensure_authority(now=now)
    with transaction.atomic():
        spent = tokens.use(token_hash=hash_of(secret_in(token)), server_id=server_id, key_hash=key_hash)
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
            sealing_key=None if keyed is None else keyed.sealing_key,
        )
        certificate = _certify(agent_id=agent_id, keyed=keyed, now=now)
        if live:
            tokens.note_replaced(token_id=spent.id)
    if live:
        logger.warning(
            "an agent that was connected was replaced", server_id=str(spent.server_id), agent_id=str(agent_id)
        )
    return Registration(agent_id=agent_id, server_id=spent.server_id, credential=credential, certificate=certificate)


def _key_hash_of(keyed: Keyed | None) -> str:
    if keyed is None:
        return ""
    if len(keyed.sealing_key) != PUBLIC_KEY_BYTES:
        raise CertificateRefused(f"The key that values are sealed to has {PUBLIC_KEY_BYTES} bytes.")
    try:
        return requested_key_hash(keyed.request)
    except UnusableRequest as error:
        raise CertificateRefused(str(error)) from error


def _certify(*, agent_id: UUID, keyed: Keyed | None, now: datetime) -> AgentCertificateData | None:
    """End what certified the agent before, and sign anew. Inside the caller's transaction."""
    authorities.revoke_all(agent_id=agent_id)
    gateways.announce_end(agent_id=agent_id)
    return None if keyed is None else authority.certify(agent_id=agent_id, request=keyed.request, now=now)


def authenticate(*, credential: str, serial: str = "") -> AgentData:
    """Return the active agent with this credential. Raises Unauthenticated.

    `serial`: of the certificate that the caller proved to have; an agent that has one is believed only with it.
    """
    wanted = hash_of(credential)
    found = agents.by_credential(credential_hash=wanted)
    if found is None or not hmac.compare_digest(found[1], wanted):
        raise Unauthenticated
    agent = found[0]
    if (agent.certified or serial) and not authorities.is_valid(agent_id=agent.id, serial=serial):
        raise Unauthenticated
    return agent


def credential_hash_of(*, agent_id: UUID) -> str | None:
    """Return the hash of the active agent's credential: what both sides of a link over the broker know."""
    return agents.credential_hash_of(agent_id=agent_id)


def why_ended(*, credential: str) -> str:
    """Return what whoever still has this ended credential is told; empty for one that is not ours, or has no reason."""
    return agents.why_ended(credential_hash=hash_of(credential))


def ended_credential_of(*, agent_id: UUID) -> tuple[str, str] | None:
    """Return the hash of the ended credential of an agent that has no other, and why it ended; None for others."""
    return agents.ended_credential_of(agent_id=agent_id)


def revoke(*, agent_id: UUID, why: str = "") -> None:
    """End the agent's credential, its certificates and its server's tokens; its session is dropped at once.

    `why` is told to whoever comes with the credential afterwards. Raises AgentNotFound.
    """
    with transaction.atomic():
        found = agents.get(agent_id=agent_id)
        if found is None:
            raise AgentNotFound
        # In the order in which enrolling takes its locks.
        tokens.end_all(server_id=found.server_id)
        if not agents.revoke(agent_id=agent_id, why=why):
            raise AgentNotFound
        authorities.revoke_all(agent_id=agent_id)
        gateways.announce_end(agent_id=agent_id)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
