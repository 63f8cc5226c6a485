"""The keys that an agent makes on its own host: one that it proves itself with, one that values are sealed to. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKeys:
    """`private_key` as PEM, `sealing_key` the raw private key of X25519 in base64."""

    private_key: str = field(repr=False)
    sealing_key: str = field(repr=False)


def make_agent_keys() -> AgentKeys:
    """Make both keys."""
    return AgentKeys(private_key=make_private_key(), sealing_key=_make_sealing_key())


def make_private_key() -> str:
    """Make a key over P-256, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def certificate_request(private_key: str) -> bytes:
    """Return the request for a certificate (PKCS #10, DER), which proves that we have the key."""
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("An agent's key is one over P-256.")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agent")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def sealing_public_key(sealing_key: str) -> bytes:
    """Return the public half of a sealing key, 32 bytes."""
    private = x25519.X25519PrivateKey.from_private_bytes(base64.b64decode(sealing_key))
    return private.public_key().public_bytes_raw()


def _make_sealing_key() -> str:
    return base64.b64encode(x25519.X25519PrivateKey.generate().private_bytes_raw()).decode()
