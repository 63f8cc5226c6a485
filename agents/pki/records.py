"""What crosses layers of authorities and certificates; frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from agents.states import AuthorityState


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityData:
    """A certificate authority as stored: its certificate as PEM, its private key sealed."""

    id: UUID
    state: AuthorityState
    certificate: str
    sealed_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateData:
    """What is known of an agent's certificate. `serial` in hex; `trusted`: so is the authority that signed it."""

    serial: str
    valid_from: datetime
    valid_until: datetime
    trusted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCertificateData:
    """A certificate on its way to its agent, with the authorities that the agent is to trust; as PEM."""

    certificate: str
    authorities: str
    data: CertificateData


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """Keys that an agent made for itself: its request for a certificate, and the public key to seal values to."""

    request: bytes
    sealing_key: bytes
