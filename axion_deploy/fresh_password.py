"""Pages that ask for the password again when it was given longer ago; REST does so in `api/security/permissions.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from deployments.services.permissions import freshness

ALWAYS = frozenset({"GET", "HEAD", "POST"})
WHEN_POSTED = frozenset({"POST"})
# Who may sign in, what may act for them, and what joins or leaves the fleet.
ROUTES = {
    "admin:deployments_user_add": ALWAYS,
    "admin:deployments_user_change": ALWAYS,
    "admin:deployments_user_changelist": WHEN_POSTED,
    "admin:deployments_user_delete": ALWAYS,
    "admin:deployments_user_password_link": ALWAYS,
    "admin:deployments_peoplegroup_add": WHEN_POSTED,
    "admin:deployments_peoplegroup_change": WHEN_POSTED,
    "admin:deployments_peoplegroup_delete": WHEN_POSTED,
    "admin:auth_user_password_change": ALWAYS,
    "admin:deployments_apitoken_add": ALWAYS,
    "admin:agents_server_new_enrolment_token": ALWAYS,
    "admin:agents_server_install": ALWAYS,
    "admin:agents_agent_revoke": ALWAYS,
}


class FreshPasswordMiddleware(MiddlewareMixin):
    """Redirects users whose sign-in is older to the password page; what was posted is not done."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], arguments: Any, named: Any
    ) -> HttpResponse | None:
        del view, arguments, named
        match = request.resolver_match
        methods = ROUTES.get(match.view_name, frozenset()) if match is not None else frozenset()
        if request.method not in methods or not request.user.is_authenticated:
            return None
        if freshness.is_fresh(request.session, now=time.time()):
            return None
        return redirect(f"{reverse('confirm-password')}?{urlencode({'next': request.path})}")
