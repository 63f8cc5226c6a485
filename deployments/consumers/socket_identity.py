"""Who opens a socket: an API token in a header or subprotocol, else the session. Never the URL: logs keep it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from deployments.scopes import TOKEN_SCHEMES
from deployments.services.permissions import api_tokens as tokens
from deployments.services.permissions.access import caller_of
from deployments.types import Caller

PROTOCOL = "axion"
TOKEN_PROTOCOL = "token."  # noqa: S105 - a prefix


def token_of(scope: Mapping[str, Any]) -> str | None:
    """Return the token of the header `Authorization`, or of the offered subprotocols `axion, token.<token>`."""
    headers: dict[bytes, bytes] = dict(scope.get("headers", ()))
    scheme, _, token = headers.get(b"authorization", b"").decode("latin1").partition(" ")
    if scheme.lower() in TOKEN_SCHEMES:
        return token.strip()
    # Browsers cannot set a header on a socket.
    offered: list[str] = scope.get("subprotocols", [])
    tokens = [name.removeprefix(TOKEN_PROTOCOL) for name in offered if name.startswith(TOKEN_PROTOCOL)]
    return tokens[0] if tokens else None


def caller_from(scope: Mapping[str, Any]) -> Caller:
    """Return the identity as it is now: token and session are read anew. Raises Unauthenticated."""
    token = token_of(scope)
    if token is not None:
        # Every scope may read, and sockets do nothing else.
        user, _ = tokens.authenticate(token=token)
        return caller_of(user)
    return caller_of(get_user(_request(scope)))


def proof_of(scope: Mapping[str, Any]) -> tuple[str, str]:
    """Return what `caller_from` goes by: `token` and its digest, or `session` and its key."""
    token = token_of(scope)
    if token is not None:
        return "token", tokens.digest_of(token)
    return "session", _session_key(scope)


def _session_key(scope: Mapping[str, Any]) -> str:
    cookies: Mapping[str, str] = scope.get("cookies", {})
    return cookies.get(settings.SESSION_COOKIE_NAME, "")


def _request(scope: Mapping[str, Any]) -> HttpRequest:
    """Return what Django needs of a request to check the session, and that the password has not changed since."""
    request = HttpRequest()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(session_key=_session_key(scope) or None)
    return request
