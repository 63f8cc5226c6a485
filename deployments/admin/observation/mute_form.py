"""The form by which something is muted on a page, for so many minutes."""

from __future__ import annotations

from collections.abc import Mapping

from agents.wording.pages import lazy

MUTES = ((60, lazy("1 h")), (8 * 60, lazy("8 h")), (24 * 60, lazy("1 day")), (7 * 24 * 60, lazy("1 week")))
MAX_DIGITS = 8


def minutes_in(form: Mapping[str, object]) -> int:
    """Return for how long; -1, which no use case takes, for what is no number."""
    text = str(form.get("minutes", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else -1
