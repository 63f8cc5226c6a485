"""The control plane's own certificate authority: made once, signs for the gateway and for agents, and is replaced.

Its private key is stored sealed, and opened only to sign. How it is sealed is told by `seal_keys_with` at the start.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from django.db import transaction

from agents.errors import CertificateRefused, Conflict, NotCertified
from agents.pki import certificates
from agents.pki.certificates import AuthorityKeys, ServerKeys, UnusableRequest
from agents.pki.records import AgentCertificateData, AuthorityData, CertificateData
from agents.repositories import agents, authorities, gateways
from agents.states import AuthorityState

logger = structlog.get_logger(__name__)

MAX_NAMED = 10
STILL_OVERLAPPING = (
    "A former authority is still trusted: end that first (manage.py rotate_authority --finish), then rotate again."
)
NOTHING_TO_FINISH = "No former authority is trusted: there is nothing to finish."


class Standing(Enum):
    """What is to become of a session that was opened with a certificate."""

    GOOD = "good"
    # Another authority signs by now.
    RENEW = "renew"
    # Revoked, or its authority is trusted no more.
    OVER = "over"


_STANDINGS: dict[AuthorityState | None, Standing] = {
    AuthorityState.ISSUING: Standing.GOOD,
    AuthorityState.FORMER: Standing.RENEW,
}


class KeySeal(Protocol):
    """Seals private keys of authorities at rest; each is bound to its row."""

    def seal(self, *, key: str, authority_id: UUID) -> str: ...

    def unseal(self, *, sealed: str, authority_id: UUID) -> str: ...


class _Seal:
    """What was told at the start of the process."""

    keys: KeySeal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayTrust:
    """What a gateway shows, and whom it trusts: `authorities` as PEM, one after the other."""

    keys: ServerKeys
    authorities: str
    # Names this state of affairs: another one is to be served instead.
    version: tuple[UUID, ...]


def seal_keys_with(seal: KeySeal) -> None:
    """Tell, once per process, how private keys are sealed."""
    _Seal.keys = seal


def ensure_authority(*, now: datetime) -> tuple[AuthorityData, ...]:
    """Return the trusted authorities, the signing one first; the first one is made here.

    Processes that start at the same time end with the same one.
    """
    if not (found := authorities.trusted()):
        made, authority_id = certificates.make_authority(now=now), uuid4()
        authorities.add_first(
            authority_id=authority_id,
            certificate=made.certificate,
            sealed_key=_seal().seal(key=made.private_key, authority_id=authority_id),
            now=now,
        )
        found = authorities.trusted()
        logger.info("certificate authority", pin=certificates.authority_pin(found[0].certificate))
    return found


def gateway_trust(*, names: Sequence[str], now: datetime) -> GatewayTrust:
    """Make a key and a certificate for a gateway of these names, signed by the authority that every agent knows."""
    trusted = ensure_authority(now=now)
    keys = certificates.make_gateway_keys(authority=_opened(_known_to_all(trusted)), names=names, now=now)
    return GatewayTrust(keys=keys, authorities=_bundle(trusted), version=version())


def version() -> tuple[UUID, ...]:
    """Return what names the present state: which authorities are trusted."""
    return tuple(each.id for each in authorities.trusted())


def pin(*, now: datetime) -> str:
    """Return the fingerprint by which a new agent knows the gateway."""
    return certificates.authority_pin(_known_to_all(ensure_authority(now=now)).certificate)


def certify(*, agent_id: UUID, request: bytes, now: datetime) -> AgentCertificateData:
    """Sign a certificate for the agent and note it. Needs a transaction. Raises CertificateRefused.

    What holds when the agent never gets it: one certificate more in the table, whose key nobody else has.
    """
    trusted = authorities.trusted()
    try:
        made = certificates.sign_agent(authority=_opened(trusted[0]), request=request, agent_id=agent_id, now=now)
    except UnusableRequest as error:
        raise CertificateRefused(str(error)) from error
    data = CertificateData(serial=made.serial, valid_from=made.valid_from, valid_until=made.valid_until)
    authorities.store_certificate(agent_id=agent_id, authority_id=trusted[0].id, data=data)
    return AgentCertificateData(certificate=made.certificate, authorities=_bundle(trusted), data=data)


def renew(*, agent_id: UUID, request: bytes, now: datetime) -> AgentCertificateData:
    """Sign another certificate for an agent that has one. Raises NotCertified or CertificateRefused."""
    with transaction.atomic():
        if not agents.is_certified(agent_id=agent_id):
            raise NotCertified
        return certify(agent_id=agent_id, request=request, now=now)


def rotate(*, now: datetime) -> None:
    """Let a new authority sign from now on, beside the present one, which stays trusted. Raises Conflict.

    Connected agents are asked to renew their certificates, and get both; the others when they connect.
    """
    ensure_authority(now=now)
    made, authority_id = certificates.make_authority(now=now), uuid4()
    sealed = _seal().seal(key=made.private_key, authority_id=authority_id)
    with transaction.atomic():
        if not authorities.replace(authority_id=authority_id, certificate=made.certificate, sealed_key=sealed, now=now):
            raise Conflict(STILL_OVERLAPPING)
        gateways.announce_trust()


def finish_rotation() -> None:
    """Trust the former authority no more: the gateway shows a certificate of the new one. Raises Conflict."""
    with transaction.atomic():
        if not authorities.retire_former():
            raise Conflict(NOTHING_TO_FINISH)
        gateways.announce_trust()


def not_renewed() -> tuple[tuple[UUID, ...], int]:
    """Return servers whose agent has not come with a certificate of the new authority yet: some, and how many."""
    return authorities.not_renewed(limit=MAX_NAMED)


def certificate_of(*, agent_id: UUID) -> CertificateData | None:
    """Return the agent's certificate that it came with last, or is to come with; None for an agent without one."""
    return authorities.newest_of(agent_id=agent_id)


def standings(*, serials: Collection[str]) -> dict[str, Standing]:
    """Return how each of these certificates stands, in one statement."""
    signers = authorities.signers_of(serials=serials)
    return {serial: _STANDINGS.get(signers.get(serial), Standing.OVER) for serial in serials}


def _known_to_all(trusted: Sequence[AuthorityData]) -> AuthorityData:
    """Return the former authority while it is trusted: agents that were away do not know the new one yet."""
    return next((each for each in trusted if each.state is AuthorityState.FORMER), trusted[0])


def _opened(authority: AuthorityData) -> AuthorityKeys:
    key = _seal().unseal(sealed=authority.sealed_key, authority_id=authority.id)
    return AuthorityKeys(certificate=authority.certificate, private_key=key)


def _bundle(trusted: Sequence[AuthorityData]) -> str:
    return "".join(each.certificate for each in trusted)


def _seal() -> KeySeal:
    if _Seal.keys is None:
        raise RuntimeError("How keys of authorities are sealed was not told: see axion_deploy/apps.py.")
    return _Seal.keys
