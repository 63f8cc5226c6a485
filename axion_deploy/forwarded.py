"""X-Forwarded headers, believed of trusted proxies and of nobody else."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from agents import addresses

PREFIX = b"x-forwarded-"
FOR, PROTO, STANDARD = b"x-forwarded-for", b"x-forwarded-proto", b"forwarded"
SECURE = {"http": "https", "ws": "wss"}


class ForwardedClient:
    """Sets each request's client and scheme once for all that read them: pages, REST, sockets and the access log."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in {"http", "websocket"}:
            apply_forwarded(scope)
        await self.application(scope, receive, send)


def apply_forwarded(scope: Any) -> None:
    """Set client and scheme in `scope` as a trusted proxy tells; drop the headers of anybody else."""
    # `scope` itself, not a copy: the server writes its access log from it.
    trusted = settings.AXION_TRUSTED_PROXIES
    peer = scope["client"][0] if scope.get("client") else ""
    headers = scope["headers"]
    if not addresses.is_trusted(peer, trusted=trusted):
        scope["headers"] = [pair for pair in headers if not (pair[0].startswith(PREFIX) or pair[0] == STANDARD)]
        return
    forwarded = ",".join(value.decode("latin1") for name, value in headers if name == FOR)
    if forwarded:
        scope["client"] = (addresses.client_of(peer=peer, forwarded=forwarded, trusted=trusted), 0)
    schemes = [value.decode("latin1").rpartition(",")[2].strip().lower() for name, value in headers if name == PROTO]
    if schemes:
        # The last value is the nearest proxy's; those before it may be the client's own.
        scope["headers"] = [pair for pair in headers if pair[0] != PROTO] + [(PROTO, schemes[-1].encode("latin1"))]
        if schemes[-1] == "https":
            scope["scheme"] = SECURE.get(scope.get("scheme", ""), scope.get("scheme", ""))
