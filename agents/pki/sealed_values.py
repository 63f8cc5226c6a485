"""Values sealed to one agent: HPKE in base mode (RFC 9180) with X25519, HKDF-SHA256 and ChaCha20-Poly1305.

What they belong to is authenticated, so that sealed values of one deployment are never taken for another's. Pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import x25519

PUBLIC_KEY_BYTES = 32
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


class CannotOpenError(Exception):
    """The values were sealed to another key or for another deployment, or were changed. Says nothing of them."""


def seal_values(*, values: Mapping[str, str], public_key: bytes, deployment_id: str) -> bytes:
    """Seal a deployment's values so that only the holder of the private key can read them. Raises ValueError."""
    key = x25519.X25519PublicKey.from_public_bytes(public_key)
    return SUITE.encrypt(json.dumps(dict(values)).encode(), key, info=_context(deployment_id))


def open_values(*, sealed: bytes, sealing_key: str, deployment_id: str) -> dict[str, str]:
    """Open what `seal_values` sealed; `sealing_key` is the raw private key in base64. Raises CannotOpenError."""
    key = x25519.X25519PrivateKey.from_private_bytes(base64.b64decode(sealing_key))
    try:
        content = SUITE.decrypt(sealed, key, info=_context(deployment_id))
    except (InvalidTag, ValueError) as error:
        raise CannotOpenError("The values were not sealed for this agent and deployment.") from error
    opened: dict[str, str] = json.loads(content)
    return opened


def _context(deployment_id: str) -> bytes:
    return f"axion deploy values of {deployment_id}".encode()
