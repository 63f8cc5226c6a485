"""Refusals that no view of the admin makes, as pages that people can read."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation.trans_real import parse_accept_lang_header

from agents.wording.pages import lazy, shown

HEADLINES = {
    401: lazy("Sign in first"),
    408: lazy("The upload was too slow"),
    413: lazy("Too large"),
    429: lazy("Too many at once"),
    503: lazy("Not possible now"),
}


def refusal_page(*, status: int, why: str, accepts: str) -> bytes:
    """Return the page in the language that the browser asks for (its header's value). Asks no database."""
    with translation.override(_language(accepts)):
        what = gettext("{why} Nothing was stored. Go back: what you typed is still there.").format(why=shown(why))
        headline = HEADLINES.get(status, HEADLINES[503])
        return render_to_string("refused.html", {"headline": headline, "what": what}).encode()


def _language(accepts: str) -> str:
    for code, _ in parse_accept_lang_header(accepts):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


def accepted_in(headers: Mapping[bytes, bytes]) -> str:
    """Return which languages the browser asks for, of the headers of ASGI."""
    return headers.get(b"accept-language", b"").decode("latin1")
