"""The admin's sign-in, with a bound on failures. What counts, and whom it never keeps out, is said in `tries`."""

from __future__ import annotations

import time

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from deployments import addresses
from deployments.limits import sign_in_tries

LONGEST_NAME = 150
# Django sends who gave the right password on.
SIGNED_IN = 302


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The page as it is; 429 and when to come back after too many failures."""
    if request.method != "POST":
        return admin.site.login(request)
    tried = try_in(request, name=request.POST.get("username", ""))
    if wait := sign_in_tries.begin(tried, now=time.time()):
        return too_many(wait)
    answer = admin.site.login(request)
    if answer.status_code == SIGNED_IN:
        sign_in_tries.succeeded(tried, now=time.time())
    return answer


def try_in(request: HttpRequest, *, name: str) -> sign_in_tries.Try:
    return sign_in_tries.Try(name=name[:LONGEST_NAME].casefold(), address=addresses.key_in(request))


def too_many(wait: int) -> HttpResponse:
    text = f"Too many failures to sign in. Come back in {wait} s."
    return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": str(wait)})
