"""Identifying the caller over Kafka, as AXION_KAFKA_IDENTITY says. What cannot be checked is never a yes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from uuid import UUID

from deployments.clients.auth import scope_of_session
from deployments.errors import Unauthenticated
from deployments.kafka_api import signatures
from deployments.kafka_api.incoming import IncomingRecord
from deployments.kafka_api.metadata import Metadata
from deployments.services.permissions import access
from deployments.types import Caller

# Raises Unauthenticated, or PeerFailed when nobody can tell.
ValidateSession = Callable[[str], UUID]
Identify = Callable[[Metadata, IncomingRecord], Caller]

CACHE_SECONDS = 3.0
MAX_CACHED = 10_000


class IdentityKind(StrEnum):
    """What makes a user id true."""

    SESSION = "session"
    SIGNED = "signed"
    TRUST = "trust"


@dataclass
class CallerCache:
    """Callers of the last few seconds by what proved them, so that a busy caller is not proven anew each time.

    A session that ends, and an account that is disabled, may act for CACHE_SECONDS more. Safe for threads: each
    operation is one of a dict.
    """

    _callers: dict[str, tuple[float, Caller]] = field(default_factory=dict)

    def get(self, proof: str, make: Callable[[], Caller]) -> Caller:
        """Return the cached caller, or the one that `make` returns. What it raises is not cached."""
        now = time.monotonic()
        until, caller = self._callers.get(proof, (0.0, None))
        if caller is not None and now < until:
            return caller
        fresh = make()
        if len(self._callers) >= MAX_CACHED:
            self._callers.clear()
        self._callers[proof] = (now + CACHE_SECONDS, fresh)
        return fresh


def by_session(validate: ValidateSession) -> Identify:
    """Identify by the session alone: a user id in the metadata is not even read. Our own tokens have a scope."""
    cache = CallerCache()

    def identify(metadata: Metadata, _: IncomingRecord) -> Caller:
        token = metadata.session_token
        if not token:
            raise Unauthenticated("Sign in first: metadata.sessionToken is missing.")
        proof = hashlib.sha256(token.encode()).hexdigest()

        def prove() -> Caller:
            made = access.verified_caller(user_id=validate(token))
            return replace(made, scope=scope_of_session(token))

        caller = cache.get(proof, prove)
        return replace(caller, session_token=token)

    return identify


def by_signature(keys: Mapping[str, bytes], patterns: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Identify:
    """Identify by a known service that vouches for metadata.userId, within the topics that are named for it, or all."""
    cache = CallerCache()

    def identify(metadata: Metadata, incoming: IncomingRecord) -> Caller:
        service = signatures.check(incoming, keys=keys, now_ms=int(time.time() * 1000))
        if not any(fnmatchcase(incoming.topic, pattern) for pattern in patterns.get(service, ("*",))):
            raise Unauthenticated("The service that signed may not ask for this.")
        user_id = _claimed(metadata)
        return cache.get(str(user_id), lambda: access.verified_caller(user_id=user_id))

    return identify


def by_trust() -> Identify:
    """Identify whoever claims to be a user as that user: for development alone."""
    cache = CallerCache()

    def identify(metadata: Metadata, _: IncomingRecord) -> Caller:
        user_id = _claimed(metadata)
        return cache.get(str(user_id), lambda: access.claimed_caller(user_id=user_id))

    return identify


def _claimed(metadata: Metadata) -> UUID:
    if metadata.user_id is None:
        raise Unauthenticated("Say who asks: metadata.userId is missing.")
    return metadata.user_id
