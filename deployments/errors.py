"""All errors that leave a use case. Each door maps `code` once.

    DeployError
    ├── Invalid             VALIDATION_ERROR    input is wrong; names the field
    ├── Unauthenticated     UNAUTHORIZED        nobody, or an identity that cannot be checked
    ├── Forbidden           FORBIDDEN           known, may see, may not do
    ├── NotFound            NOT_FOUND           missing, or not the caller's to see
    ├── Conflict            CONFLICT            not possible in the present state
    ├── PeerFailed          EXTERNAL_SERVICE_ERROR   a peer or agent did not do its part
    │   └── PeerRefused     EXTERNAL_SERVICE_ERROR   and will not: trying again does not help
    ├── TooMuch             RATE_LIMIT_EXCEEDED      more than one user may have, or ask at once
    └── Transient           INTERNAL_ERROR      may pass: the job tries again

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping


class DeployError(Exception):
    """Base of the tree: a stable code, a sentence for people, details by field. Never holds a secret."""

    code = "INTERNAL_ERROR"

    def __init__(self, message: str, *, details: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class Invalid(DeployError):
    """The input cannot be accepted; `details` says which field and why."""

    code = "VALIDATION_ERROR"


class Unauthenticated(DeployError):
    """No identity, or one that cannot be checked."""

    code = "UNAUTHORIZED"


class Forbidden(DeployError):
    """The caller may see the thing but not do this with it."""

    code = "FORBIDDEN"


class NotFound(DeployError):
    """It does not exist, or the caller must not learn that it does."""

    code = "NOT_FOUND"


class Conflict(DeployError):
    """Not possible in the present state; nothing was changed."""

    code = "CONFLICT"


class PeerFailed(DeployError):
    """Another service did not answer or answered with an error."""

    code = "EXTERNAL_SERVICE_ERROR"


class PeerRefused(PeerFailed):
    """Another service cannot do its part of this, however often it is asked."""


class Transient(DeployError):
    """May pass by itself; a job tries again within its limit."""


class TooMuch(DeployError):
    """More than one user may have, or may ask at once; the message says which bound it was."""

    code = "RATE_LIMIT_EXCEEDED"
