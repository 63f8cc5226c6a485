"""Finding the sentence behind an English text: what is stored or was sent lost its source and values. Pure.

Texts are matched against the sources that a catalogue knows, so that rows stored long ago are translated as new ones
are, and nothing but English is ever stored. A text that no source fits is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

FIELD = re.compile(r"\{(\w+)(?:![rs])?(?::[^{}]*)?\}")
# Nobody could tell where one of two values side by side ends: the first stands for both.
ONE_VALUE = re.compile(r"(?:\{\w+(?:![rs])?(?::[^{}]*)?\})+")
ENDS = re.compile(r"(?<=[.!?:;])\s+")
LETTER = re.compile(r"[^\W\d_]")
# Fewer letters than this around the values say nothing of where a text comes from.
MIN_LETTERS = 5
MAX_TEXT = 4000
MAX_PARTS = 12
MAX_DEPTH = 3
MAX_KEPT = 4096


@dataclass(frozen=True, kw_only=True)
class Template:
    """What stands between the values of a source, in order, and their names."""

    source: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def weight(self) -> int:
        return sum(map(len, self.pieces))

    def values_in(self, text: str) -> dict[str, str] | None:
        """Return the values by which the source became this text; None where it did not."""
        first, *others = self.pieces
        if not text.startswith(first) or not text.endswith(self.pieces[-1]):
            return None
        at, values = len(first), dict[str, str]()
        for name, piece in zip(self.names, others, strict=True):
            last = len(values) == len(others) - 1
            end = len(text) - len(piece) if last else text.find(piece, at + 1) if piece else -1
            if end <= at or values.get(name, text[at:end]) != text[at:end]:
                return None
            values[name] = text[at:end]
            at = end + len(piece)
        return values


class Sentences:
    """The sentences of a language by their English sources; it remembers what it has found."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = {source: said for source, said in known.items() if said}
        self.templates = sorted(_templates(self.known), key=lambda each: -each.weight)
        self.translated = lru_cache(maxsize=MAX_KEPT)(self._translated)

    def _translated(self, text: str, depth: int = 0) -> str:
        if not text or len(text) > MAX_TEXT or depth > MAX_DEPTH:
            return text
        whole = self._whole(text, depth)
        return whole if whole is not None else self._by_parts(text, depth)

    def _whole(self, text: str, depth: int) -> str | None:
        one = self._one(text, depth)
        return one if one is not None else self._of_somebody(text, depth)

    def _one(self, text: str, depth: int) -> str | None:
        bare = text.strip()
        if (said := self.known.get(bare)) is not None:
            return text.replace(bare, said)
        for template in self.templates:
            values = template.values_in(bare)
            if values is not None:
                words = {name: self.translated(value, depth + 1) for name, value in values.items()}
                return text.replace(bare, _filled(self.known[template.source], words))
        return None

    def _of_somebody(self, text: str, depth: int) -> str | None:
        """Return `NAME does something.` with what follows the name translated, where that alone is known."""
        name, _, rest = text.partition(" ")
        dot = "." if rest.endswith(".") else ""
        said = self._one(rest.removesuffix("."), depth) if rest else None
        return None if said is None else f"{name} {said}{dot}"

    def _by_parts(self, text: str, depth: int) -> str:
        """Return a text of several sentences with those translated that are known, the longest runs first."""
        ends = [match.start() for match in ENDS.finditer(text)][:MAX_PARTS]
        for end in reversed(ends):
            if (said := self._whole(text[:end], depth)) is not None:
                return said + self.translated(text[end:], depth + 1)
        if ends:
            return text[: ends[0]] + self.translated(text[ends[0] :], depth + 1)
        return text


def _templates(sources: Iterable[str]) -> Iterator[Template]:
    for source in sources:
        first, *others = ONE_VALUE.split(source)
        names = [FIELD.findall(run)[0] for run in ONE_VALUE.findall(source)]
        if names and len(LETTER.findall("".join([first, *others]))) >= MIN_LETTERS:
            yield Template(source=source, pieces=(first, *others), names=tuple(names))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return FIELD.sub(lambda field: values.get(field[1], ""), text)
