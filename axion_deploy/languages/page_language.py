"""In which language an answer speaks: pages in the reader's, everything that programs read in English."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

# What programs read: REST, what agents are handed, health checks.
FOR_PROGRAMS = ("/api/", "/agents/", "/healthz")


class PageLanguageMiddleware(LocaleMiddleware):
    """Takes the language that the person chose, else the browser's, for pages alone. Comes after authentication.

    Use cases write down sentences of English source (see `agents/wording/sentences.py`), whatever language a page has.
    """

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith(FOR_PROGRAMS):
            super().process_request(request)
            if chosen := chosen_by(request):
                _speak(request, chosen)
            return
        _speak(request, settings.LANGUAGE_CODE)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(FOR_PROGRAMS):
            return response
        return super().process_response(request, response)


def chosen_by(request: HttpRequest) -> str:
    """Return the language that whoever is signed in chose and that is offered; empty for none."""
    language = getattr(request.user, "language", "")
    return language if language in dict(settings.LANGUAGES) else ""


def _speak(request: HttpRequest, language: str) -> None:
    translation.activate(language)
    request.LANGUAGE_CODE = language
