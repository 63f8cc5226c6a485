"""How containers of a server are set up, sealed for the look that asked for it.

A context that changes makes what is stored unreadable, so none ever does.
"""

from __future__ import annotations

from uuid import UUID

from deployments import encryption
from deployments.encryption import CannotUnsealError

__all__ = ["CannotUnsealError", "renew_told", "seal_told", "unseal_told"]


def seal_told(*, told: str, adoption_id: UUID) -> str:
    return encryption.seal(value=told, context=_context(adoption_id))


def unseal_told(*, sealed: str, adoption_id: UUID) -> str:
    """Open what `seal_told` sealed for this look. Raises CannotUnsealError."""
    return encryption.unseal(sealed=sealed, context=_context(adoption_id))


def renew_told(*, sealed: str, adoption_id: UUID) -> str:
    """Seal it anew under the newest key. Raises CannotUnsealError."""
    return seal_told(told=unseal_told(sealed=sealed, adoption_id=adoption_id), adoption_id=adoption_id)


def _context(adoption_id: UUID) -> str:
    return f"adoption:{adoption_id}"
