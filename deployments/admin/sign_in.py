"""The admin's sign-in, with a bound on tries: guessing passwords is slow for a name and for an address."""

from __future__ import annotations

import time

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from deployments import rates

LONGEST_NAME = 150


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The page as it is; 429 and when to come back after too many tries."""
    if request.method == "POST":
        name = request.POST.get("username", "")[:LONGEST_NAME].casefold()
        address = str(request.META.get("REMOTE_ADDR", ""))
        tries = {"sign-in-name": name, "sign-in-address": address}
        waits = [
            rates.spend(what=what, who=who, rate=settings.AXION_RATE_SIGN_IN, now=time.time())
            for what, who in tries.items()
        ]
        if wait := max(waits):
            text = f"Too many tries to sign in. Come back in {wait} s."
            return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": str(wait)})
    return admin.site.login(request)
