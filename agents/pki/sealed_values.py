"""Values and registries sealed to one agent: HPKE in base mode (RFC 9180), X25519, HKDF-SHA256, ChaCha20-Poly1305.

What they belong to is authenticated, so that sealed values of one deployment are never taken for another's. Pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import x25519

PUBLIC_KEY_BYTES = 32
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


class CannotOpenError(Exception):
    """The values were sealed to another key or for another deployment, or were changed. Says nothing of them."""


def seal_values(*, values: Mapping[str, str], public_key: bytes, deployment_id: str) -> bytes:
    """Seal a deployment's values so that only the holder of the private key can read them. Raises ValueError."""
    return _seal(dict(values), public_key=public_key, context=_context("values", deployment_id))


def open_values(*, sealed: bytes, sealing_key: str, deployment_id: str) -> dict[str, str]:
    """Open what `seal_values` sealed; `sealing_key` is the raw private key in base64. Raises CannotOpenError."""
    opened: dict[str, str] = _open(sealed, sealing_key=sealing_key, context=_context("values", deployment_id))
    return opened


def seal_logins(*, logins: Sequence[Mapping[str, str]], public_key: bytes, deployment_id: str) -> bytes:
    """Seal the registries of a deployment likewise. Raises ValueError."""
    return _seal([dict(each) for each in logins], public_key=public_key, context=_context("registries", deployment_id))


def open_logins(*, sealed: bytes, sealing_key: str, deployment_id: str) -> list[dict[str, str]]:
    """Open what `seal_logins` sealed. Raises CannotOpenError."""
    opened: list[dict[str, str]] = _open(sealed, sealing_key=sealing_key, context=_context("registries", deployment_id))
    return opened


def _seal(content: object, *, public_key: bytes, context: bytes) -> bytes:
    key = x25519.X25519PublicKey.from_public_bytes(public_key)
    return SUITE.encrypt(json.dumps(content).encode(), key, info=context)


def _open(sealed: bytes, *, sealing_key: str, context: bytes) -> Any:
    key = x25519.X25519PrivateKey.from_private_bytes(base64.b64decode(sealing_key))
    try:
        return json.loads(SUITE.decrypt(sealed, key, info=context))
    except (InvalidTag, ValueError) as error:
        raise CannotOpenError("This was not sealed for this agent and deployment.") from error


def _context(what: str, deployment_id: str) -> bytes:
    return f"axion deploy {what} of {deployment_id}".encode()
