"""What is told of an enrolment token. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentTokenData:
    """What is known of an enrolment token; not itself. `may_replace`: also in place of a connected agent."""

    id: UUID
    server_id: UUID
    owner_id: UUID
    created_at: datetime
    expires_at: datetime
    may_replace: bool
