"""JSON that somebody sent, read for every door alike: what a database cannot keep or others cannot read is refused."""

from __future__ import annotations

import json
import math
from typing import Any

from deployments.errors import Invalid

MAX_DEPTH = 64


def read_object(content: bytes) -> dict[str, Any]:
    """The JSON object in these bytes. Raises Invalid; the bound of its size is the door's."""
    try:
        found = json.loads(content)
    except RecursionError:
        raise Invalid("It is nested too deeply.") from None
    except ValueError:
        # Also numbers of more digits than Python reads, and bytes that are no text.
        raise Invalid("This is no JSON.") from None
    if not isinstance(found, dict):
        raise Invalid("It must be a JSON object.")
    refuse_what_cannot_be_kept(found)
    return found


def refuse_what_cannot_be_kept(read: Any) -> None:
    """NUL bytes, halves of surrogate pairs, numbers beyond the finite, and depths that others cannot read.

    Raises Invalid.
    """
    waiting: list[tuple[Any, int]] = [(read, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise Invalid("It is nested too deeply.")
        if isinstance(value, str):
            _refuse_text(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise Invalid("It holds a number that is not finite.")
        elif isinstance(value, dict):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]


def _refuse_text(text: str) -> None:
    if "\x00" in text:
        raise Invalid("It holds a NUL byte.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Invalid("It holds half of a surrogate pair.") from None
