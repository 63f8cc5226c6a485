"""How the Kafka door knows who asks: the configured proof of a user id."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from deployments.clients.auth import validate_session
from deployments.kafka_api.identity import Identify, IdentityKind, by_session, by_signature, by_trust


def identify() -> Identify:
    """Raises ImproperlyConfigured when the proof has no keys to check with."""
    kind = IdentityKind(settings.AXION_KAFKA_IDENTITY)
    if kind is IdentityKind.TRUST:
        return by_trust()
    if kind is IdentityKind.SESSION:
        return by_session(validate_session)
    if not settings.AXION_KAFKA_SERVICE_KEYS:
        raise ImproperlyConfigured("AXION_KAFKA_IDENTITY=signed needs AXION_KAFKA_SERVICE_KEYS.")
    return by_signature(settings.AXION_KAFKA_SERVICE_KEYS, settings.AXION_KAFKA_SERVICE_PATTERNS)
