"""Values at rest: AES-256-GCM (NIST SP 800-38D), random 96-bit nonce, sealed as "VERSION:BASE64(nonce + ciphertext)".

The context (what the value belongs to) is authenticated, so a sealed value cannot be moved to another row.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12


class CannotUnsealError(Exception):
    """The key of this version is missing or the value was tampered with. Says nothing of the value."""


def seal(*, value: str, context: str) -> str:
    """Seal the value with the newest key."""
    version = newest_version()
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(settings.AXION_ENCRYPTION_KEYS[version]).encrypt(nonce, value.encode(), context.encode())
    return f"{version}:{base64.b64encode(nonce + ciphertext).decode()}"


def unseal(*, sealed: str, context: str) -> str:
    """Return the value. Raises CannotUnsealError."""
    version, _, encoded = sealed.partition(":")
    key = settings.AXION_ENCRYPTION_KEYS.get(int(version)) if version.isdigit() else None
    if key is None:
        raise CannotUnsealError(f"No encryption key of version {version!r} is configured.")
    raw = base64.b64decode(encoded)
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode()).decode()
    except InvalidTag as error:
        raise CannotUnsealError(f"A value sealed with key version {version} does not open.") from error


def newest_version() -> int:
    """Return the version of the key that `seal` uses."""
    return max(settings.AXION_ENCRYPTION_KEYS)


def version_of(sealed: str) -> int:
    """Return the version of the key that a value was sealed with."""
    return int(sealed.partition(":")[0])


def has_key(version: str) -> bool:
    """Return whether the key of this version is configured; an empty version needs none."""
    return not version or int(version) in settings.AXION_ENCRYPTION_KEYS


def seal_mapping(*, values: Mapping[str, str], context: str) -> str:
    """Seal a whole mapping as one value."""
    return seal(value=json.dumps(dict(values), sort_keys=True), context=context)


def unseal_mapping(*, sealed: str, context: str) -> dict[str, str]:
    """Return the mapping; an empty text is an empty one. Raises CannotUnsealError."""
    if not sealed:
        return {}
    opened: dict[str, str] = json.loads(unseal(sealed=sealed, context=context))
    return opened
