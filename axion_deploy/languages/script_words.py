"""Sentences of the pages' scripts, in the page's language: a script of our own address, so the content policy stays."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.gzip import gzip_page
from django.views.i18n import JavaScriptCatalog

from agents.wording.pages import stored_sentences

A_YEAR = 365 * 24 * 3600


@gzip_page
def script_words(_request: HttpRequest, language: str, mark: str) -> HttpResponse:
    """Return the catalogue of this language; `mark` is what its address changes by, so browsers keep it for a year."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    answer = _script(language)
    if mark == mark_of(language):
        patch_cache_control(answer, public=True, max_age=A_YEAR, immutable=True)
    else:
        patch_cache_control(answer, no_cache=True)
    return answer


def address_of_words(_request: HttpRequest) -> str:
    """Return where the scripts of the page that is being made find their sentences."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    return reverse("script-words", args=(language, mark_of(language)))


@cache
def mark_of(language: str) -> str:
    """Return what changes whenever a sentence does. Catalogues are read once per process."""
    return hashlib.sha256(_script(language).content).hexdigest()[:12]


def _script(language: str) -> HttpResponse:
    with translation.override(language):
        asked = HttpRequest()
        asked.method = "GET"
        own = cast("HttpResponse", JavaScriptCatalog.as_view(domain="djangojs", packages=["axion_deploy"])(asked))
    known = json.dumps(stored_sentences(language).known, ensure_ascii=False)
    own.write(f"\ndjango.stored = {known};\n".encode())
    return own
