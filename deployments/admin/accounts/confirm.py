"""The password once more, before what matters most."""

from __future__ import annotations

import time

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache

from deployments.admin.ownership import caller_in
from deployments.admin.site import attempt_in, too_many_failures
from deployments.limits import sign_in_tries
from deployments.services.permissions import freshness

MAX_PASSWORD_LENGTH = 4096
HOME = "/admin/"


@never_cache
def confirm_password(request: HttpRequest) -> HttpResponse:
    """Ask for the password of who is signed in, then go on to `next`, which leads to no other site."""
    sent = request.POST if request.method == "POST" else request.GET
    onward = sent.get("next", "")
    if not onward.startswith("/") or not url_has_allowed_host_and_scheme(onward, allowed_hosts=None):
        onward = HOME
    wrong = False
    if request.method == "POST":
        attempt = attempt_in(request, name=caller_in(request).name)
        if wait := sign_in_tries.begin(attempt, now=time.time()):
            return too_many_failures(request, wait)
        if request.user.check_password(request.POST.get("password", "")[:MAX_PASSWORD_LENGTH]):
            sign_in_tries.succeeded(attempt, now=time.time())
            freshness.mark(request.session, now=time.time())
            return redirect(onward)
        wrong = True
    context = {
        **admin.site.each_context(request),
        "title": gettext("Confirm your password"),
        "next": onward,
        "wrong": wrong,
    }
    return TemplateResponse(request, "admin/confirm_password.html", context)
