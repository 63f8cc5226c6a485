"""Certificates as the authority makes them (X.509, ECDSA over P-256): its own, the gateway's, the agents'. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from agents.pki.names import GATEWAY_NAME
from agents.pki.tickets import pin_of

AUTHORITY_LIFE = timedelta(days=3650)
AGENT_LIFE = timedelta(days=30)
GATEWAY_LIFE = timedelta(days=30)
# Clocks of other machines are off: a certificate that was made now is good for them already.
BACKDATED = timedelta(days=1)
MAX_REQUEST_BYTES = 4096
MAX_NAMES = 50


class UnusableRequest(ValueError):
    """The request for a certificate cannot be granted; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityKeys:
    """An authority with its private key, both as PEM."""

    certificate: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKeys:
    """What a TLS server shows and proves: its chain up to the authority, and its key; as PEM."""

    chain: str
    private_key: str = field(repr=False)
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCertificate:
    """A certificate that the authority made for an agent. `serial` in hex."""

    certificate: str
    serial: str
    public_key_hash: str
    valid_from: datetime
    valid_until: datetime


def make_authority(*, now: datetime) -> AuthorityKeys:
    """Make an authority; its name tells it from others, so that several are trusted at the same time."""
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(f"Axion Deploy authority {identifier.digest.hex()[:16]}")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(subject=name, issuer=name, public_key=key.public_key(), now=now, life=AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return AuthorityKeys(certificate=_pem(certificate), private_key=_key_pem(key))


def make_gateway_keys(*, authority: AuthorityKeys, names: Sequence[str], now: datetime) -> ServerKeys:
    """Make a key and a certificate for a gateway that answers by these host names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(
        authority=authority,
        subject=_name(GATEWAY_NAME),
        public_key=key.public_key(),
        usage=ExtendedKeyUsageOID.SERVER_AUTH,
        names=[_general_name(name) for name in dict.fromkeys([GATEWAY_NAME, *names[:MAX_NAMES]])],
        now=now,
        life=GATEWAY_LIFE,
    )
    return ServerKeys(
        chain=_pem(certificate) + authority.certificate,
        private_key=_key_pem(key),
        valid_until=certificate.not_valid_after_utc,
    )


def sign_agent(
    *, authority: AuthorityKeys, request: bytes, agent_id: UUID, now: datetime, life: timedelta = AGENT_LIFE
) -> SignedCertificate:
    """Sign an agent's request (PKCS #10, DER). Of it only the key counts: who it is says `agent_id`.

    Raises UnusableRequest where it cannot be read, is too large, or does not prove that the sender has the key.
    """
    public_key = _requested_key(request)
    certificate = _signed(
        authority=authority,
        subject=_name(str(agent_id)),
        public_key=public_key,
        usage=ExtendedKeyUsageOID.CLIENT_AUTH,
        names=[x509.UniformResourceIdentifier(f"urn:uuid:{agent_id}")],
        now=now,
        life=life,
    )
    return SignedCertificate(
        certificate=_pem(certificate),
        serial=serial_of(certificate),
        public_key_hash=_hash_of(public_key),
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
    )


def requested_key_hash(request: bytes) -> str:
    """Return what names the key of a request (SHA-256 of it, in hex). Raises UnusableRequest."""
    return _hash_of(_requested_key(request))


def serial_of(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:x}"


def authority_pin(pem: str) -> str:
    """Return the fingerprint of an authority's certificate as tokens name it."""
    return pin_of(x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER))


def _requested_key(request: bytes) -> ec.EllipticCurvePublicKey:
    if not 0 < len(request) <= MAX_REQUEST_BYTES:
        raise UnusableRequest(f"A request for a certificate has 1 to {MAX_REQUEST_BYTES} bytes.")
    try:
        read = x509.load_der_x509_csr(request)
        key = read.public_key()
        proven = read.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise UnusableRequest("The request for a certificate cannot be read.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UnusableRequest("The key of the request must be one over P-256.")
    if not proven:
        raise UnusableRequest("The request for a certificate does not prove that its sender has the key.")
    return key


def _signed(
    *,
    authority: AuthorityKeys,
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    usage: ObjectIdentifier,
    names: Sequence[x509.GeneralName],
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    issuer_key = serialization.load_pem_private_key(authority.private_key.encode(), password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("The authority's key is one over P-256.")
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(subject=subject, issuer=issuer.subject, public_key=public_key, now=now, life=life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _hash_of(key: ec.EllipticCurvePublicKey) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
