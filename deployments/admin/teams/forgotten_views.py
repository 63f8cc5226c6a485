"""A forgotten password: Django's own way by e-mail where that is set up, else whom to ask."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from agents.wording.pages import lazy
from deployments import addresses
from deployments.admin.site import too_many_failures
from deployments.limits import rate_limit

FORM_PAGE = "admin/account_form.html"
FORGOTTEN = "forgotten-passwords"
RATE = "5/min"
ASK = lazy(
    "Ask an administrator: they can create a link with which you choose a new password. E-mail is not set up here."
)
SENT = lazy("If there is an account with this address, a link was sent to it. It works for three days.")
MAX_EMAIL = 254


class EmailForm(PasswordResetForm):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["email"].widget = UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"})

    def send_mail(self, *arguments: Any, **named: Any) -> None:
        """Send it in the language of the person, who need not be the one who asked."""
        person = next((each["user"] for each in (*arguments, *named.values()) if isinstance(each, dict)), None)
        with translation.override(getattr(person, "language", "") or translation.get_language()):
            super().send_mail(*arguments, **named)


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # not subscriptable at run time
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
            field.help_text = ""


def page_context(request: HttpRequest, *, title: str, said: str, button: str = "") -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "said": said, "button": button}


class Forgotten(views.PasswordResetView):
    """Asks for the address, and answers the same whether or not there is such an account."""

    template_name = FORM_PAGE
    form_class = EmailForm
    email_template_name = "registration/forgotten_email.txt"
    subject_template_name = "registration/forgotten_subject.txt"
    success_url = reverse_lazy("forgotten-sent")

    def get_context_data(self, **named: Any) -> dict[str, Any]:
        said = gettext("Your e-mail address. We send a link with which you choose a new password.")
        page = page_context(
            self.request, title=gettext("Forgotten password"), said=said, button=gettext("Send the link")
        )
        return {**super().get_context_data(**named), **page}


class ChooseByEmail(views.PasswordResetConfirmView):
    template_name = FORM_PAGE
    form_class = NewPasswordForm
    success_url = reverse_lazy("admin:login")

    def get_context_data(self, **named: Any) -> dict[str, Any]:
        good = self.validlink
        title = gettext("Choose a password") if good else gettext("Not a valid link")
        said = "" if good else gettext("This link is not valid: it was used or has ended. Ask for a new one.")
        page = page_context(self.request, title=title, said=said, button=gettext("Set the password") if good else "")
        return {**super().get_context_data(**named), **page}


@never_cache
def forgotten(request: HttpRequest) -> HttpResponseBase:
    """Send a link where e-mail is set up; say whom to ask where it is not."""
    if not settings.EMAIL_HOST:
        return TemplateResponse(
            request, FORM_PAGE, page_context(request, title=gettext("Forgotten password"), said=ASK)
        )
    if request.method == "POST":
        key = addresses.key_in(request)
        if wait := rate_limit.hit(what=FORGOTTEN, who=key, rate=RATE, now=time.time()):
            return too_many_failures(request, wait)
    return Forgotten.as_view()(request)


def forgotten_sent(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, FORM_PAGE, page_context(request, title=gettext("Check your e-mail"), said=SENT))
