"""One-time enrolment tokens, by their hash. At most one of a server is good: a newer one ends those before it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from agents.models import Agent, EnrolmentToken, Server
from agents.types import EnrolmentTokenData

# The answer to a registration may be lost, or its agent die before it is on the disk.
ASK_AGAIN_FOR = timedelta(minutes=10)


def add(
    *, server_id: UUID, owner_id: UUID, token_hash: str, valid_for: timedelta, may_replace: bool
) -> EnrolmentTokenData:
    """Store a token in place of the server's unused ones. Needs a transaction. Its end is by the database's clock."""
    # Two at the same time come one after the other, so that the later one alone is good.
    server = Server.objects.select_for_update(no_key=True).filter(id=server_id).first()
    end_all(server_id=server_id)
    token = EnrolmentToken.objects.create(
        token_hash=token_hash,
        server_id=server_id,
        owner_id=owner_id,
        expires_at=Now() + valid_for,
        server_owner_id=None if server is None else server.owner_id,
        may_replace=may_replace,
    )
    token.refresh_from_db(fields=["expires_at"])
    return _as_data(token)


def use(*, token_hash: str, server_id: UUID | None, key_hash: str = "") -> EnrolmentTokenData | None:
    """Spend the token, once; None when it is unknown, used, ended, expired or another server's. Needs a transaction.

    Two calls at the same time cannot both spend it: the second waits for the first and then matches no row. The server
    stays until the transaction ends: a token of one that is gone, or another's by now, is not good. A token that the
    key behind `key_hash` has spent just now is good for that key once more, until its agent has connected.
    """
    usable = _usable(key_hash).filter(token_hash=token_hash)
    if server_id is not None:
        usable = usable.filter(server_id=server_id)
    found = usable.first()
    if found is None:
        return None
    server = Server.objects.select_for_update(no_key=True).filter(id=found.server_id).first()
    if found.server_owner_id is not None and (server is None or server.owner_id != found.server_owner_id):
        return None
    return _as_data(found) if usable.update(used_at=Now(), used_key_hash=key_hash) == 1 else None


def _usable(key_hash: str) -> Any:
    good = Q(used_at__isnull=True)
    if key_hash:
        agent = Agent.objects.active().filter(server_id=OuterRef("server_id"), enrolled_at__gte=OuterRef("used_at"))
        unseen = Exists(agent.filter(session_id__isnull=True))
        good |= Q(used_key_hash=key_hash, used_at__gt=Now() - ASK_AGAIN_FOR) & Q(unseen)
    return EnrolmentToken.objects.filter(good, expires_at__gt=Now())


def note_replaced(*, token_id: UUID) -> None:
    """Note that the token took the place of an agent that was connected."""
    EnrolmentToken.objects.filter(id=token_id).update(replaced_live_agent=True)


def of_server(*, server_id: UUID) -> tuple[EnrolmentTokenData, ...]:
    """Return those that are good now, the newest first."""
    return tuple(_as_data(token) for token in _good().filter(server_id=server_id).order_by("-created_at", "id"))


def end(*, server_id: UUID, token_id: UUID) -> bool:
    """End the token; False when the server has no such token that is good."""
    ended, _ = _good().filter(server_id=server_id, id=token_id).delete()
    return bool(ended)


def end_all(*, server_id: UUID) -> None:
    """End the server's unused tokens: they admit nobody any more. Used ones stay as a record."""
    EnrolmentToken.objects.filter(server_id=server_id, used_at__isnull=True).delete()


def forget(*, older_than: timedelta, limit: int) -> int:
    """Delete tokens that were used, or ran out, so long ago; returns how many."""
    over = Q(used_at__lt=Now() - older_than) | Q(expires_at__lt=Now() - older_than)
    ids = list(EnrolmentToken.objects.filter(over).values_list("pk", flat=True)[:limit])
    deleted, _ = EnrolmentToken.objects.filter(pk__in=ids).delete()
    return deleted


def _good() -> Any:
    return EnrolmentToken.objects.filter(used_at__isnull=True, expires_at__gt=Now())


def _as_data(token: EnrolmentToken) -> EnrolmentTokenData:
    return EnrolmentTokenData(
        id=token.id,
        server_id=token.server_id,
        owner_id=token.owner_id,
        created_at=token.created_at,
        expires_at=token.expires_at,
        may_replace=token.may_replace,
    )
