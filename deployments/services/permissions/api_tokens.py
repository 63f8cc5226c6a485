"""API tokens: whose one is, and what a user does with their own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, Invalid, NotFound, Unauthenticated
from deployments.names import MAX_NAME
from deployments.repositories import tokens
from deployments.scopes import Scope, TokenRecord
from deployments.services.audit.record import record
from deployments.types import Caller

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

DEFAULT_DAYS = tokens.LIFETIME.days
MAX_DAYS = 365
MAX_TOKENS = 100
UNNAMED = "unnamed"


def authenticate(*, token: str) -> tuple[AbstractBaseUser, TokenRecord]:
    """Return the active user behind a token, and what it is good for. Raises Unauthenticated."""
    identity = tokens.find(token=token)
    if identity is None:
        raise Unauthenticated(sentence("The token is not valid."))
    return identity


def digest_of(token: str) -> str:
    """Return what is stored of a token in its place."""
    return tokens.digest_of(token)


def create_token(*, caller: Caller, name: str, scope: Scope, days: int) -> tuple[TokenRecord, str]:
    """Give the caller a token; its clear text exists only in the answer. Raises Invalid or Conflict."""
    name = name.strip() or UNNAMED
    if len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(
            sentence("A token's name has 1 to 100 printable characters."),
            details={"name": sentence("1 to 100 printable characters")},
        )
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(
            sentence("A token lasts 1 to 365 days."),
            details={"expiresInDays": sentence("1 to {max_days}", max_days=MAX_DAYS)},
        )
    with transaction.atomic():
        if tokens.count(user_id=caller.user_id) >= MAX_TOKENS:
            raise Conflict(sentence("You have {max_tokens} tokens. Delete one first.", max_tokens=MAX_TOKENS))
        made = tokens.add(user_id=caller.user_id, name=name, scope=scope, lifetime=timedelta(days=days))
        detail = f"{name} ({scope}, {days} days)"
        record(by=caller, action=AuditAction.TOKEN_CREATED, detail=detail, person_id=caller.user_id)
        return made


def list_tokens(*, caller: Caller) -> tuple[TokenRecord, ...]:
    """Return the caller's tokens, newest first, at most MAX_TOKENS or what an older version made."""
    return tokens.of_user(user_id=caller.user_id)


def revoke_token(*, caller: Caller, token_id: UUID) -> None:
    """End the caller's token at once, open sockets within seconds. Raises NotFound, also for somebody else's."""
    with transaction.atomic():
        name = next((each.name for each in tokens.of_user(user_id=caller.user_id) if each.id == token_id), "")
        if not tokens.end(user_id=caller.user_id, token_id=token_id):
            raise NotFound(sentence("No such token."))
        record(by=caller, action=AuditAction.TOKEN_DELETED, detail=name, person_id=caller.user_id)


def revoke_all_tokens(*, caller: Caller) -> int:
    """End all of the caller's tokens; return how many."""
    with transaction.atomic():
        ended = tokens.end_all(user_id=caller.user_id)
        if ended:
            detail = f"all {ended}"
            record(by=caller, action=AuditAction.TOKEN_DELETED, detail=detail, person_id=caller.user_id)
    return ended
