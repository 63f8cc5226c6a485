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
    """Takes the language from the browser, for pages alone.

    Use cases write down sentences of English source (see `agents/wording/sentences.py`), whatever language a page has.
    """

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith(FOR_PROGRAMS):
            return super().process_request(request)
        translation.activate(settings.LANGUAGE_CODE)
        request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        return None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(FOR_PROGRAMS):
            return response
        return super().process_response(request, response)
