"""Sign-ins end when they are not used. Written now and then, not with each request: pages ask every few seconds."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from deployments.services.permissions import freshness

# How much earlier than it says a session may end.
GRAIN = 12


class SessionAgeMiddleware(MiddlewareMixin):
    """Lets the time of a session that is used begin anew."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.user.is_authenticated:
            return
        now = int(time.time())
        if now - freshness.last_seen(request.session) > settings.SESSION_COOKIE_AGE // GRAIN:
            freshness.see(request.session, now=now)
