"""Whose session a token is. Our own API tokens are the default source, auth-service the other."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from deployments.clients.envelope import member
from deployments.clients.peers import VALIDATE_SESSION, Peer, ask, uses
from deployments.errors import Forbidden, Invalid, NotFound, Unauthenticated
from deployments.repositories import tokens
from deployments.scopes import Scope

NO_SESSION = "The session is not valid. Sign in again."


class Sessions(Protocol):
    """Who is behind a token."""

    def user_of(self, *, token: str) -> UUID:
        """Return the user's id. Raises Unauthenticated, and PeerFailed when it cannot be checked: never a yes."""


class OwnSessions:
    """API tokens of our own tables."""

    def user_of(self, *, token: str) -> UUID:
        match = tokens.find(token=token)
        if match is None:
            raise Unauthenticated(NO_SESSION)
        return match[1].user_id


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
    """Return the id of the user whose session this is. Raises Unauthenticated, or PeerFailed when nobody can tell."""
    source: Sessions = PeerSessions() if uses(Peer.AUTH) else OwnSessions()
    return source.user_of(token=token)


def scope_of_session(token: str) -> Scope:
    """Return what a session that was found valid may do: what our token says; everything for one of auth-service."""
    if uses(Peer.AUTH):
        return Scope.ALL
    match = tokens.find(token=token)
    # A token that ended since it was found valid may do the least.
    return Scope.READ if match is None else match[1].scope
