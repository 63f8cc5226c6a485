"""Sessions end when they are not used."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from deployments.services.permissions import freshness

# Use is noted at most this often in a session's life, not with each request: pages ask every few seconds. So a session
# may end by one part of this earlier than the setting says.
NOTES_PER_LIFE = 12


class SessionAgeMiddleware(MiddlewareMixin):
    """Renews a session that is used."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.user.is_authenticated:
            return
        now = int(time.time())
        if now - freshness.last_seen(request.session) > settings.SESSION_COOKIE_AGE // NOTES_PER_LIFE:
            freshness.see(request.session, now=now)
