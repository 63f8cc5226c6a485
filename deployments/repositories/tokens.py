"""API tokens by their hash. A token that an older version made has no terms yet: it gets them when it is seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken

from deployments.models import ApiToken, User
from deployments.scopes import Scope, TokenRecord

# Of tokens for which nobody chose.
LIFETIME = timedelta(days=90)
NAME_OF_OLD = "made before tokens had names"
# Longer than any that was ever given out.
MAX_LENGTH = 200
# The last use is told to within this.
USE_GRAIN = timedelta(minutes=1)


def find(*, token: str) -> tuple[User, TokenRecord] | None:
    """Return the active user and what the token is good for, and note its use; None when unknown or ended."""
    if len(token) > MAX_LENGTH or not token.isascii() or not token.isprintable():
        return None
    row = _good().filter(digest=hash_token(token), user__is_active=True).select_related("user", "terms").first()
    if row is None:
        return None
    terms = _terms_of(row)
    if terms.last_used_at is None or timezone.now() - terms.last_used_at > USE_GRAIN:
        ApiToken.objects.filter(pk=terms.pk).update(last_used_at=Now())
    return row.user, _record(terms, row)


def digest_of(token: str) -> str:
    """Return what is stored of a token in its place."""
    return str(hash_token(token))


def add(*, user_id: UUID, name: str, scope: Scope, lifetime: timedelta) -> tuple[TokenRecord, str]:
    """Store a token; its clear text is in the answer and nowhere else. Needs a transaction."""
    AuthToken.objects.filter(user=user_id).exclude(pk__in=_good().values("pk")).delete()
    row, text = AuthToken.objects.create(user=User.objects.get(pk=user_id), expiry=lifetime)
    terms = ApiToken.objects.create(id=uuid4(), token=row, name=name, scope=scope)
    return _record(terms, row), text


def of_user(*, user_id: UUID) -> tuple[TokenRecord, ...]:
    """Return the user's tokens that have not ended, newest first."""
    complete(user_id=user_id)
    rows = _good().filter(user=user_id).select_related("terms").order_by("-created", "pk")
    return tuple(_record(row.terms, row) for row in rows)


def count(*, user_id: UUID) -> int:
    return int(_good().filter(user=user_id).count())


def end(*, user_id: UUID, token_id: UUID) -> bool:
    """End the token; return False when the user has no such token."""
    deleted, _ = AuthToken.objects.filter(user=user_id, terms__pk=token_id).delete()
    return bool(deleted)


def end_all(*, user_id: UUID) -> int:
    """End all tokens of the user; return how many there were."""
    count = int(AuthToken.objects.filter(user=user_id).count())
    AuthToken.objects.filter(user=user_id).delete()
    return count


def complete(*, user_id: UUID | None = None) -> None:
    """Give tokens that an older version made what they lack, of one user or of all."""
    lacking = AuthToken.objects.filter(terms__isnull=True)
    for row in lacking if user_id is None else lacking.filter(user=user_id):
        _terms_of(row)


def _good() -> Any:
    """Return tokens that have not ended, by the database's clock."""
    endless = Q(expiry__isnull=True, created__gt=Now() - LIFETIME)
    return AuthToken.objects.filter(Q(expiry__gt=Now()) | endless)


def _terms_of(row: AuthToken) -> ApiToken:
    found: ApiToken | None = getattr(row, "terms", None)
    if found is not None:
        return found
    AuthToken.objects.filter(pk=row.pk, expiry__isnull=True).update(expiry=F("created") + LIFETIME)
    made = ApiToken(id=uuid4(), token=row, name=NAME_OF_OLD, scope=Scope.ALL)
    # Two who see it at once make it once.
    ApiToken.objects.bulk_create([made], ignore_conflicts=True)
    return ApiToken.objects.get(token=row.pk)


def _record(terms: ApiToken, row: Any) -> TokenRecord:
    return TokenRecord(
        id=terms.pk,
        user_id=row.user_id,
        name=terms.name,
        scope=Scope(terms.scope),
        created_at=row.created,
        expires_at=row.expiry or row.created + LIFETIME,
        last_used_at=terms.last_used_at,
    )
