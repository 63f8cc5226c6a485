"""Words of pages in the reader's language."""

from __future__ import annotations

import gettext as catalogues
from functools import cache
from typing import cast

from django.conf import settings
from django.utils.translation import get_language, gettext, gettext_lazy

from agents.wording.recognised import Sentences
from agents.wording.sentences import translated

# The catalogue of what is stored or sent in English.
DOMAIN = "stored"


def lazy(text: str) -> str:
    """Return what is looked up each time it is shown, for what stands in modules and classes. Never stored."""
    return cast("str", gettext_lazy(text))


def shown(text: str) -> str:
    """Return a sentence in the reader's language: of a use case, or recognised, as its values are. Others stay."""
    return translated(text, by=gettext, others=_recognised)


def _recognised(text: str) -> str:
    language = get_language()
    if not text or language in (None, settings.LANGUAGE_CODE):
        return text
    known = gettext(text) if "\n" not in text else text
    return known if known != text else stored_sentences(str(language)).translated(str(text))


@cache
def stored_sentences(language: str) -> Sentences:
    """Return the sentences of a language that are recognised by their English; read once per process."""
    folder = settings.BASE_DIR / "axion_deploy/locale"
    found = catalogues.translation(DOMAIN, localedir=folder, languages=[language], fallback=True)
    return Sentences({str(source): str(said) for source, said in getattr(found, "_catalog", {}).items() if source})
