"""The language of who is signed in: of their pages, and of what is mailed to them."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext

from deployments.admin.ownership import caller_in, or_404
from deployments.admin.page_responses import render_page
from deployments.models import User
from deployments.services.accounts import languages

PAGE = "admin/language.html"


class LanguageForm(forms.Form):
    language = forms.ChoiceField(required=False)

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]  # as of any form
        field = self.fields["language"]
        assert isinstance(field, forms.ChoiceField)
        field.label = gettext("Language")
        field.help_text = gettext("Of these pages, and of messages to you. The API and the command line speak English.")
        field.choices = [("", gettext("As your browser asks")), *settings.LANGUAGES]


def your_language(request: HttpRequest) -> HttpResponse:
    """Show the choice, and store it; the sign-in page follows it in this browser."""
    caller = caller_in(request)
    chosen = languages.language_of(caller=caller)
    form = LanguageForm(request.POST if request.method == "POST" else {"language": chosen})
    if request.method == "POST" and form.is_valid():
        language = form.cleaned_data["language"]
        or_404(languages.choose_language, caller=caller, language=language)
        answer = redirect("your-language")
        if language:
            answer.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, httponly=True, samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )  # fmt: skip
        else:
            answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
        with translation.override(language or translation.get_language()):
            messages.success(request, gettext("Language stored."))
        return answer
    of = User(pk=caller.user_id, username=caller.name)
    return render_page(request, PAGE, title=gettext("Your language"), of=of, form=form)
