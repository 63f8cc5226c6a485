"""JSON that somebody sent, read for every door alike: what a database cannot keep or others cannot read is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from deployments.errors import Invalid

MAX_DEPTH = 64
# Of a field's path in an answer: names come from whoever sent it.
MAX_NAME, MAX_PATH = 50, 200


def read_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in these bytes. Raise Invalid, naming the field where one is to blame.

    The bound of its size is the door's.
    """
    try:
        found = json.loads(content)
    except RecursionError:
        raise Invalid("It is nested too deeply.") from None
    except ValueError:
        # Also numbers of more digits than Python reads, and bytes that are no text.
        raise Invalid("This is not valid JSON.") from None
    if not isinstance(found, dict):
        raise Invalid("It must be a JSON object.")
    refuse_what_cannot_be_kept(found)
    return found


def refuse_what_cannot_be_kept(read: Any) -> None:
    """Raise Invalid, naming the field, for what a database cannot keep or others cannot read.

    NUL bytes, halves of surrogate pairs, numbers beyond the finite, and more than MAX_DEPTH levels.
    """
    waiting: list[tuple[Any, int]] = [(read, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH or _fault(value):
            raise _refusal(read)
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]


def _fault(value: Any) -> str:
    """Say what is wrong with this text or number; return "" for what can be kept."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "holds a number that is not finite"
    if not isinstance(value, str):
        return ""
    if "\x00" in value:
        return "holds a NUL byte"
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds half of a surrogate pair"
    return ""


def _refusal(read: Any) -> Invalid:
    """Look once more, now with names: only who is refused pays for them."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [(read, ())]
    while waiting:
        value, names = waiting.pop()
        why = "is nested too deeply" if len(names) >= MAX_DEPTH else _fault(value)
        if why:
            field = ".".join(names)[:MAX_PATH]
            return Invalid(f"{field or 'It'} {why}.", details={field: why} if field else {})
        waiting += _inside(value, names)
    return Invalid("It cannot be kept.")


def _inside(value: Any, names: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            # A name that cannot be repeated is reported at the object that holds it.
            yield (name, names) if _fault(name) else (inner, (*names, name[:MAX_NAME]))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield inner, (*names, str(number))
