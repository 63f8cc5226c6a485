"""Sentences for people that are stored or sent in English and translated only where a page shows them. Pure.

A `Sentence` is the English text itself: in a table, an event, the audit log or an answer for programs it is a str like
any other. It also knows its source and values, by which a page finds the words of its reader's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Sentence(str):
    """English text; `source` is what the catalogues translate, with `{names}` that `values` fill."""

    __slots__ = ("source", "values")
    source: str
    values: Mapping[str, object]


def sentence(source: str, /, **values: object) -> Sentence:
    """Return the sentence in English. Its first argument is a literal: catalogues are collected from the code."""
    said = Sentence(source.format(**values) if values else source)
    said.source, said.values = source, values
    return said


def translated(text: str, *, by: Callable[[str], str], others: Callable[[str], str] = str) -> str:
    """Return a sentence in the language of `by`, a gettext; any other text as `others` says it, else as it is."""
    if not isinstance(text, Sentence):
        return others(text)
    shown = by(text.source)
    filled = {
        name: translated(value, by=by, others=others) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return shown.format(**filled) if filled else shown
