"""How the Kafka door knows who asks: the configured proof of a user id."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from deployments.errors import Unauthenticated
from deployments.intake.identity import Identify, IdentityKind, by_session, by_signature, by_trust
from deployments.services.access import caller_of


def identify() -> Identify:
    """Raises ImproperlyConfigured when the proof has no keys to check with."""
    kind = IdentityKind(settings.AXION_KAFKA_IDENTITY)
    if kind is IdentityKind.TRUST:
        return by_trust()
    if kind is IdentityKind.SESSION:
        return by_session(own_session)
    if not settings.AXION_KAFKA_SERVICE_KEYS:
        raise ImproperlyConfigured("AXION_KAFKA_IDENTITY=signed needs AXION_KAFKA_SERVICE_KEYS.")
    return by_signature(settings.AXION_KAFKA_SERVICE_KEYS)


def own_session(token: str) -> UUID:
    """The user behind one of our API tokens. Raises Unauthenticated."""
    try:
        user, _ = TokenAuthentication().authenticate_credentials(token.encode())
    except (AuthenticationFailed, UnicodeError):
        raise Unauthenticated("The session is not valid. Sign in again.") from None
    found: UUID = caller_of(user).user_id
    return found
