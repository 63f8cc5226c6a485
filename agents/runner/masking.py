"""Takes secret values out of every text that leaves the runner.

All spellings of all values are looked for in one pass over the text, in C and in short blocks: the time does not grow with
the number of values, and other threads have their turn in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ahocorasick

from agents.runner.spellings import spellings_of

MASK = "***"
# A spelling is looked for by its beginning, so much of it as tells it from all others.
MIN_BEGINNING = 16
MAX_BEGINNING = 256
BLOCK = 32 * 1024
MAX_HITS = 100_000
TOO_MUCH = "(left out: too much of it looks like secret values)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`beginnings` finds where a spelling may begin; `spellings` are those with a beginning, the longest first."""

    spellings: frozenset[str]
    beginnings: Any
    by_beginning: Mapping[str, tuple[str, ...]]
    longest: int
    longest_beginning: int


class Masker:
    """Knows values in memory only and replaces them in any spelling of spellings.py. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Known | None = None

    def learn(self, values: Iterable[str]) -> None:
        """Mask these from now on. Values shorter than 6 characters are not masked: they would hit ordinary words."""
        fresh = spellings_of(values)
        with self._lock:
            known = self._known.spellings if self._known else frozenset()
            if not fresh <= known:
                self._known = _prepare(known | fresh)

    def mask(self, text: str, *, limit: int | None = None) -> str:
        """Return the text without any spelling of a value, and no more of it than `limit` characters.

        A value that begins before the limit is masked whole. A text in which too much has to be compared is left out.
        """
        known = self._known
        if known is None or not text:
            return text[:limit]
        end = len(text) if limit is None else min(limit, len(text))
        spans = _spans(text[: end + known.longest], known)
        return TOO_MUCH[:limit] if spans is None else _without(text, spans, end=end)


def _spans(text: str, known: Known) -> list[tuple[int, int]] | None:
    """Where spellings stand, overlapping ones as one, in order; None when there is too much to compare."""
    found: list[tuple[int, int]] = []
    for hits, (start, beginning) in enumerate(_candidates(text, known)):
        if hits > MAX_HITS:
            return None
        for spelling in known.by_beginning[beginning]:
            if text.startswith(spelling, start):
                found.append((start, start + len(spelling)))
                break
    return _joined(sorted(found))


def _candidates(text: str, known: Known) -> Iterator[tuple[int, str]]:
    """Where a spelling may begin, with its beginning. Blocks overlap, so that none is missed between two."""
    overlap = known.longest_beginning - 1
    for offset in range(0, len(text), BLOCK):
        first = max(0, offset - overlap)
        for last, beginning in known.beginnings.iter(text[first : offset + BLOCK]):
            yield first + last - len(beginning) + 1, beginning


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _without(text: str, spans: list[tuple[int, int]], *, end: int) -> str:
    pieces, position = [], 0
    for start, stop in spans:
        if start >= end:
            break
        pieces += [text[position:start], MASK]
        position = stop
    return "".join([*pieces, text[position:end]])


def _prepare(spellings: frozenset[str]) -> Known:
    ordered = sorted(spellings)
    by_beginning: dict[str, list[str]] = {}
    for number, spelling in enumerate(ordered):
        neighbours = ordered[max(0, number - 1) : number] + ordered[number + 1 : number + 2]
        told_apart = max((_common(spelling, other) for other in neighbours), default=0) + 1
        length = min(max(told_apart, MIN_BEGINNING), MAX_BEGINNING)
        by_beginning.setdefault(spelling[:length], []).append(spelling)
    beginnings = ahocorasick.Automaton()
    for beginning in by_beginning:
        beginnings.add_word(beginning, beginning)
    beginnings.make_automaton()
    return Known(
        spellings=spellings,
        beginnings=beginnings,
        by_beginning={name: tuple(sorted(found, key=len, reverse=True)) for name, found in by_beginning.items()},
        longest=max(map(len, ordered)),
        longest_beginning=max(map(len, by_beginning)),
    )


def _common(one: str, other: str) -> int:
    """Length of what both begin with, by halving: values may be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
