"""One-time enrolment tokens, by their hash."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models.functions import Now

from agents.models import EnrolmentToken


def add(*, server_id: UUID, owner_id: UUID, token_hash: str, valid_for: timedelta) -> datetime:
    """Store a token; returns when it expires, by the database's clock."""
    token = EnrolmentToken.objects.create(
        token_hash=token_hash, server_id=server_id, owner_id=owner_id, expires_at=Now() + valid_for
    )
    token.refresh_from_db(fields=["expires_at"])
    return token.expires_at


def use(*, token_hash: str, server_id: UUID | None) -> tuple[UUID, UUID] | None:
    """Spend the token, once: its server and owner, or None when it is unknown, used, expired or another server's.

    Two calls at the same time cannot both spend it: the second waits for the first and then matches no row.
    """
    usable = EnrolmentToken.objects.filter(token_hash=token_hash, used_at__isnull=True, expires_at__gt=Now())
    if server_id is not None:
        usable = usable.filter(server_id=server_id)
    if usable.update(used_at=Now()) != 1:
        return None
    token = EnrolmentToken.objects.get(token_hash=token_hash)
    return token.server_id, token.owner_id
