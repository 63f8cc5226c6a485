"""How the text of a key becomes a value: what it takes in words, as JSON schema, and as a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from stackgen.keys.amounts import AMOUNT, CORES, DURATION, read_amount, read_cores, read_duration, shown

TRUE, FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", ""})
SEPARATORS = re.compile(r"[\s,]+")
MAX_ITEMS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """`read` returns the value or raises ValueError with a sentence that begins with "must be" or the like.

    `takes` is for people, `schema` for forms and other programs. The text comes without blanks around it, and an
    empty one means "not given", unless `whole`: then it is taken as it is.
    """

    read: Callable[[str], object]
    takes: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})
    whole: bool = False


def text() -> Form:
    """Return the form of a key that takes any text, without blanks around it."""
    return Form(read=str, takes="text")


def verbatim(takes: str = "text") -> Form:
    """Return the form of a text that is taken with its blanks and line breaks, also when it is empty."""
    return Form(read=str, takes=takes, whole=True)


def whole_number(lowest: int, highest: int) -> Form:
    """Return the form of a whole number between the two."""

    def read(given: str) -> int:
        if given.isascii() and given.isdigit() and len(given) < 10 and lowest <= int(given) <= highest:
            return int(given)
        raise ValueError(f"must be a whole number from {lowest} to {highest}, not {shown(given)}")

    schema = {"type": "string", "pattern": r"^\s*([0-9]{1,9})?\s*$"}
    return Form(read=read, takes=f"a whole number from {lowest} to {highest}", schema=schema)


def flag() -> Form:
    """Return the form of true or false; an empty text is false."""

    def read(given: str) -> bool:
        word = given.strip().lower()
        if word not in TRUE | FALSE:
            raise ValueError(f"must be true or false, not {shown(word)}")
        return word in TRUE

    schema = {"type": "string", "enum": ["true", "false"]}
    return Form(read=read, takes="`true` or `false`", schema=schema, whole=True)


def matching(pattern: re.Pattern[str], wanted: str, *, change: Callable[[str], object] = str) -> Form:
    """Return the form of a text that fits the pattern; `change` makes the value of it and may raise ValueError."""

    def read(given: str) -> object:
        if not pattern.fullmatch(given):
            raise ValueError(f"must be {wanted}, not {shown(given)}")
        return change(given)

    return Form(read=read, takes=wanted, schema={"type": "string", "pattern": _anywhere(pattern)})


def choice(names: Mapping[str, str]) -> Form:
    """Return the form of one of the words, in any case; the word means what it leads to."""

    def read(given: str) -> str:
        found = names.get(given.lower())
        if found is None:
            raise ValueError(f"{shown(given)} is unknown; known: {', '.join(sorted(set(names.values())))}")
        return found

    known = sorted(set(names.values()))
    return Form(read=read, takes=", ".join(f"`{name}`" for name in known), schema={"type": "string", "enum": known})


def cores() -> Form:
    return Form(read=read_cores, takes="such as `0.5` or `500m`", schema={"type": "string", "pattern": CORES})


def amount() -> Form:
    return Form(read=read_amount, takes="such as `512M` or `1Gi`", schema={"type": "string", "pattern": AMOUNT})


def duration() -> Form:
    return Form(read=read_duration, takes="such as `30s` or `1m30s`", schema={"type": "string", "pattern": DURATION})


def listed(item: Callable[[str], object], takes: str) -> Form:
    """Return the form of a list: items parted by blanks, commas or lines; the value is a tuple without repeats."""

    def read(given: str) -> tuple[object, ...]:
        items = [each for each in SEPARATORS.split(given) if each]
        if len(items) > MAX_ITEMS:
            raise ValueError(f"must be at most {MAX_ITEMS} items, not {len(items)}")
        return tuple(dict.fromkeys(flattened(item(each) for each in items)))

    return Form(read=read, takes=takes)


def flattened(items: Iterable[object]) -> Iterable[object]:
    """Yield the items, of tuples each part: an item of a list may stand for several."""
    for item in items:
        if isinstance(item, tuple):
            yield from item
        else:
            yield item


def one_of(pattern: re.Pattern[str], wanted: str) -> Callable[[str], str]:
    """Return a reader of one item that fits the pattern."""

    def read(given: str) -> str:
        if not pattern.fullmatch(given):
            raise ValueError(f"must be {wanted}, not {shown(given)}")
        return given

    return read


def _anywhere(pattern: re.Pattern[str]) -> str:
    return rf"^\s*(?:{pattern.pattern})?\s*$"
