"""What makes a message over the broker believed, and what keeps its secrets from whoever can read the topic. Pure.

Both sides hold the hash of the agent's credential and nothing else that they share: from it come a key that signs
(HMAC-SHA256, RFC 2104) and one that seals (AES-256-GCM), by HKDF-SHA256 (RFC 5869).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
KEY_BYTES = 32


class NotAuthenticError(Exception):
    """Somebody else made it, or it was changed on its way."""


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """Of one agent's credential."""

    signing: bytes = field(repr=False)
    sealing: bytes = field(repr=False)

    @classmethod
    def of(cls, *, credential_hash: str) -> LinkKeys:
        """Derive both from the hash as `hash_of` writes it: 64 hexadecimal digits."""
        secret = bytes.fromhex(credential_hash)
        return cls(signing=_derived(secret, b"axion link signing"), sealing=_derived(secret, b"axion link sealing"))

    @classmethod
    def of_credential(cls, credential: str) -> LinkKeys:
        return cls.of(credential_hash=hashlib.sha256(credential.encode()).hexdigest())

    def signature(self, *, topic: str, value: bytes) -> bytes:
        """Return what the header of the message bears: the topic is part of it, so none can be moved to another."""
        return hmac.digest(self.signing, topic.encode() + b"\0" + value, "sha256")

    def check(self, *, topic: str, value: bytes, signature: bytes) -> None:
        """Raise NotAuthenticError unless the signature is that of the message on this topic."""
        if not hmac.compare_digest(self.signature(topic=topic, value=value), signature):
            raise NotAuthenticError

    def seal(self, content: bytes, *, bound_to: str) -> str:
        """Return the content as base64 that only the other side opens, and only as what it is `bound_to`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(self.sealing).encrypt(nonce, content, bound_to.encode())).decode()

    def open(self, sealed: str, *, bound_to: str) -> bytes:
        """Return what was sealed. Raises NotAuthenticError."""
        try:
            data = base64.b64decode(sealed, validate=True)
            return AESGCM(self.sealing).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound_to.encode())
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise NotAuthenticError from error


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)
