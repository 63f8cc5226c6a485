"""Which pages may open a socket on the cookies of who looks at them: ours, at the very address they came from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

PORTS = {"http": 80, "https": 443}
SECURE = {"wss", "https"}

Place = tuple[str, str, int]


class SameOrigin:
    """Compares scheme, host and port: another application on the same host is a stranger's page."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin1")
        host = headers.get(b"host", b"").decode("latin1")
        welcome = is_ours(origin=origin, host=host, secure=scope.get("scheme", "ws") in SECURE)
        await (self.application if welcome else WebsocketDenier())(scope, receive, send)


def is_ours(*, origin: str, host: str, secure: bool) -> bool:
    """Return whether a page of this origin is ours, for a socket that was asked of `host`."""
    page = place_of(origin)
    if page is None:
        return False
    if any(_matches(page, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    # Every browser sends the host that it asks; what sends none has nobody's cookies.
    asked = place_of(f"{'https' if secure else 'http'}://{host or origin.partition('://')[2]}")
    return page == asked and validate_host(page[1], settings.ALLOWED_HOSTS)


def place_of(origin: str) -> Place | None:
    """Return scheme, host and port; None for what is not an origin, such as `null`."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or parts.path or parts.query or parts.username:
        return None
    domain, _ = split_domain_port(parts.netloc)
    return parts.scheme, domain, port or PORTS[parts.scheme]


def _matches(page: Place, trusted: str) -> bool:
    """Compare as Django does with CSRF_TRUSTED_ORIGINS: exactly, or any name below `https://*.example.org`."""
    scheme, _, rest = trusted.partition("://")
    if not rest.startswith("*."):
        return page == place_of(trusted)
    below = place_of(f"{scheme}://{rest[2:]}")
    return below is not None and (page[0], page[2]) == (below[0], below[2]) and page[1].endswith(f".{below[1]}")
