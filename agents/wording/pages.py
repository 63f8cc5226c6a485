"""Words of pages in the reader's language."""

from __future__ import annotations

from typing import cast

from django.utils.translation import gettext, gettext_lazy

from agents.wording.sentences import translated


def lazy(text: str) -> str:
    """Return what is looked up each time it is shown, for what stands in modules and classes. Never stored."""
    return cast("str", gettext_lazy(text))


def shown(text: str) -> str:
    """Return a sentence of the use cases in the reader's language; other texts as they are."""
    return translated(text, by=gettext)
