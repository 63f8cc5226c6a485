"""Whose session a token is: one interface, two sources. Our own API tokens are the default."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from deployments.clients.envelope import member
from deployments.clients.peers import VALIDATE_SESSION, Peer, ask, uses
from deployments.errors import Forbidden, Invalid, NotFound, Unauthenticated

NO_SESSION = "The session is not valid. Sign in again."


class Sessions(Protocol):
    """Who is behind a token."""

    def user_of(self, *, token: str) -> UUID:
        """The user's id. Raises Unauthenticated, and PeerFailed when it cannot be checked: never a yes."""


class OwnSessions:
    """API tokens of our own tables."""

    def user_of(self, *, token: str) -> UUID:
        try:
            user, _ = TokenAuthentication().authenticate_credentials(token.encode())
        except AuthenticationFailed:
            raise Unauthenticated(NO_SESSION) from None
        return UUID(str(user.pk))


class PeerSessions:
    """Sessions of auth-service."""

    def user_of(self, *, token: str) -> UUID:
        try:
            session = member(ask(VALIDATE_SESSION, {"sessionToken": token}), "session")
        except (Forbidden, Invalid, NotFound, Unauthenticated):
            raise Unauthenticated(NO_SESSION) from None
        try:
            return UUID(session["userId"])
        except (TypeError, KeyError, ValueError, AttributeError):
            raise Unauthenticated(NO_SESSION) from None


def validate_session(token: str) -> UUID:
    """The id of the user whose session this is. Raises Unauthenticated, or PeerFailed when nobody can tell."""
    source: Sessions = PeerSessions() if uses(Peer.AUTH) else OwnSessions()
    return source.user_of(token=token)
