"""The admin as a whole: its first page, who signs in, and library pages that are closed."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from unfold.forms import AuthenticationForm

from agents.wording.pages import lazy
from deployments import addresses
from deployments.admin import page_data
from deployments.admin.ownership import caller_in
from deployments.limits import sign_in_tries

# These pages know no owners, only Django's permissions or none at all: any member of staff could empty the
# queues, and groups give permissions that nothing here asks for.
CLOSED_PAGES = (("django_rq", "Dashboard"), ("knox", "AuthToken"), ("auth", "Group"))
MAX_NAME_LENGTH = 150
# Django redirects whoever gave the right password.
SIGNED_IN = 302

for app, model in CLOSED_PAGES:
    # Only what is there can be closed, whoever loads these pages first.
    import_module(f"{apps.get_app_config(app).name}.admin")
    admin.site.unregister(apps.get_model(app, model))


class SignInForm(AuthenticationForm):
    """Says what may be wrong without words of Django's own."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": lazy("Wrong user name or password, or this account may not sign in to these pages."),
    }


admin.site.login_form = SignInForm


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the index shows; for UNFOLD["DASHBOARD_CALLBACK"]."""
    return {**context, "title": gettext("Overview"), "state": page_data.dashboard(caller=caller_in(request))}


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Serve Django's sign-in page; after too many failures, 429 with `Retry-After`.

    `sign_in_tries` decides which failures count and whom they never keep out.
    """
    if request.method != "POST":
        return admin.site.login(request)
    attempt = attempt_in(request, name=request.POST.get("username", ""))
    if wait := sign_in_tries.begin(attempt, now=time.time()):
        return too_many_failures(request, wait)
    response = admin.site.login(request)
    if response.status_code == SIGNED_IN:
        sign_in_tries.succeeded(attempt, now=time.time())
    return response


def attempt_in(request: HttpRequest, *, name: str) -> sign_in_tries.Try:
    return sign_in_tries.Try(name=name[:MAX_NAME_LENGTH].casefold(), address=addresses.key_in(request))


def too_many_failures(request: HttpRequest, wait: int) -> HttpResponse:
    """Answer 429; `wait` is in seconds."""
    said = {
        "headline": gettext("Too many failed attempts to sign in"),
        "what": gettext("Wait {wait} s, then try again.").format(wait=wait),
    }
    answer = render(request, "refused.html", said, status=429)
    answer["Retry-After"] = str(wait)
    return answer
