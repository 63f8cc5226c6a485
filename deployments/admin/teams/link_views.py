"""What a link leads to: a project to join, for who is signed in; a password to choose, for who cannot sign in yet."""

from __future__ import annotations

import time

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminPasswordWidget

from agents.wording.pages import lazy, shown
from deployments import addresses
from deployments.admin.ownership import caller_in
from deployments.admin.site import too_many_failures
from deployments.errors import DeployError, Invalid, NotFound
from deployments.limits import rate_limit
from deployments.roles import ROLE_WORDS, Role
from deployments.services.accounts import people
from deployments.services.sharing import project_links

FORM_PAGE = "admin/account_form.html"
LINKS = "password-links"
RATE = "20/min"


@never_cache
def join_project(request: HttpRequest, text: str) -> HttpResponse:
    """Say where the link leads; join by POST."""
    at = timezone.now()
    try:
        if request.method == "POST":
            used = project_links.use_link(caller=caller_in(request), text=text, at=at)
            messages.success(
                request, gettext("You are now a member of {project_name}.").format(project_name=used.project_name)
            )
            return redirect("admin:deployments_project_change", used.project_id)
        link = project_links.look_at_link(text=text, at=at)
    except NotFound as error:
        return refused(request, error)
    words = shown(ROLE_WORDS[Role(link.role)]).lower()
    context = {
        **admin.site.each_context(request),
        "title": gettext("Join {project_name}?").format(project_name=link.project_name),
        "link": link,
        "words": words,
    }
    return TemplateResponse(request, "admin/deployments/join.html", context)


class PasswordForm(forms.Form):
    """The password twice; whether it is good is the use case's to say."""

    password = forms.CharField(
        max_length=people.MAX_PASSWORD,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        max_length=people.MAX_PASSWORD,
        strip=False,
        label=lazy("Repeat the password"),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean_again(self) -> str:
        again = str(self.cleaned_data["again"])
        if again != self.cleaned_data.get("password"):
            raise forms.ValidationError(gettext("The two passwords differ."))
        return again


@never_cache
def choose_password(request: HttpRequest, text: str) -> HttpResponse:
    """Show the form to who has the link; by POST, store the password and lead on to the sign-in."""
    key = addresses.key_in(request)
    if wait := rate_limit.hit(what=LINKS, who=key, rate=RATE, now=time.time()):
        return too_many_failures(request, wait)
    form = PasswordForm(request.POST or None)
    try:
        link = people.look_at_password_link(text=text, at=timezone.now())
        if request.method == "POST" and form.is_valid():
            people.choose_password(text=text, password=form.cleaned_data["password"], at=timezone.now())
            messages.success(request, gettext("Your password is stored. Sign in with it."))
            return redirect("admin:login")
    except NotFound as error:
        return refused(request, error)
    except Invalid as error:
        form.add_error("password", shown(error.message))
    context = {
        **admin.site.each_context(request),
        "title": gettext("Choose a password"),
        "said": gettext("For {user_name}. It takes the place of any earlier one.").format(user_name=link.user_name),
        "form": form,
        "button": gettext("Set the password"),
    }
    return TemplateResponse(request, FORM_PAGE, context)


def refused(request: HttpRequest, error: DeployError) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": gettext("Not a valid link"), "said": shown(error.message)}
    return TemplateResponse(request, FORM_PAGE, context, status=404)
