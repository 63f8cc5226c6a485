"""Takes secret values out of every text that leaves the runner.

All spellings of all values are looked for in one pass, during which other threads run: neither the number of values nor
what they have in common makes it slow.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick, MatchKind

from agents.runner.control_plane.spellings import spellings_of
from agents.runner.errors import MaskingTooLongError

MASK = "***"
# A spelling is looked for by its beginning, as much of it as tells it from all others. The beginning of a long one is
# masked even if something else follows.
MIN_BEGINNING = 64
MAX_BEGINNING = 512
MAX_SPANS = 20_000
MAX_STEPS = 1_000
BUDGET_TEXT = "(left out: most of it looks like secret values)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Spellings with one beginning, sorted; each knows the longest other that it begins with, or -1."""

    members: tuple[str, ...]
    parents: tuple[int, ...]
    longest: int

    def length_at(self, text: str, start: int) -> int:
        """Return the length of the longest member that stands there; 0 for none."""
        here = text[start : start + self.longest]
        index = bisect_right(self.members, here) - 1
        while index >= 0 and not here.startswith(self.members[index]):
            index = self.parents[index]
        return len(self.members[index]) if index >= 0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`finder` tells where which of the families begins. Lengths in characters."""

    spellings: frozenset[str]
    finder: AhoCorasick
    families: tuple[Family, ...]
    longest: int
    longest_beginning: int


class Masker:
    """Knows values in memory only and replaces them in every spelling of spellings.py. Safe across threads."""

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

    @property
    def longest(self) -> int:
        """Return the length of the longest spelling that is masked."""
        known = self._known
        return known.longest if known else 0

    def mask(self, text: str, *, limit: int | None = None) -> str:
        """Return the text without any spelling of a value, and nothing of what stands at `limit` or after it.

        A value that begins before the limit is masked whole, so cutting shows no part of it: pass the uncut text.
        """
        known = self._known
        if known is None or not text:
            return text[:limit]
        end = len(text) if limit is None else min(limit, len(text))
        # Nothing that begins at the end or after it matters.
        text = text[: end + known.longest]
        try:
            return _without(text, _spans(text, known), end=end)
        except MaskingTooLongError:
            return BUDGET_TEXT[:limit]
        except UnicodeEncodeError:  # half of a character; nobody could store it anyway
            return self.mask(text.encode(errors="replace").decode(), limit=end)


def _spans(text: str, known: Known) -> list[tuple[int, int]]:
    """Return where spellings stand, in order; those that overlap or touch are one. Raises MaskingTooLongError."""
    found: list[tuple[int, int]] = []
    for family, start, beginning in known.finder.find_matches_as_indexes(text):
        _join(found, start, max(beginning, start + known.families[family].length_at(text, start)))
    if len(found) > MAX_SPANS:
        raise MaskingTooLongError
    steps = [MAX_STEPS]
    whole: list[tuple[int, int]] = []
    for start, end in found:
        if not whole or end > whole[-1][1]:
            _join(whole, start, _reach(text, start, end, known, steps))
    return whole


def _join(spans: list[tuple[int, int]], start: int, end: int) -> None:
    if spans and start <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((start, end))


def _reach(text: str, start: int, end: int, known: Known, steps: list[int]) -> int:
    """Return where what stands here ends, with spellings that begin within it: the finder passes those by."""
    size = known.longest_beginning
    at = start + 1
    while at < end:
        steps[0] -= 1
        if steps[0] < 0:
            raise MaskingTooLongError
        matches = known.finder.find_matches_as_indexes(text[at : at + 2 * size])
        if not matches or matches[0][1] >= size:
            at += size
            continue
        family, first, last = matches[0]
        if at + first < end:
            end = max(end, at + last, at + first + known.families[family].length_at(text, at + first))
        at += first + 1
    return end


def _without(text: str, spans: Iterable[tuple[int, int]], *, end: int) -> str:
    pieces, position = [], 0
    for start, stop in spans:
        if start >= end:
            break
        pieces += [text[position:start], MASK]
        position = stop
    return "".join([*pieces, text[position:end]])


def _prepare(spellings: frozenset[str]) -> Known:
    ordered = sorted(spellings)
    groups: dict[str, list[str]] = {}
    for number, spelling in enumerate(ordered):
        neighbours = ordered[max(0, number - 1) : number] + ordered[number + 1 : number + 2]
        told_apart = max((_common(spelling, other) for other in neighbours), default=0) + 1
        length = min(max(told_apart, MIN_BEGINNING), MAX_BEGINNING)
        groups.setdefault(spelling[:length], []).append(spelling)
    finder = AhoCorasick(list(groups), matchkind=MatchKind.LeftmostLongest, store_patterns=False)
    return Known(
        spellings=spellings,
        finder=finder,
        families=tuple(_family(members) for members in groups.values()),
        longest=max(map(len, ordered)),
        longest_beginning=max(map(len, groups)),
    )


def _family(members: list[str]) -> Family:
    parents: list[int] = []
    for number, member in enumerate(members):
        parent = number - 1
        while parent >= 0 and not member.startswith(members[parent]):
            parent = parents[parent]
        parents.append(parent)
    return Family(members=tuple(members), parents=tuple(parents), longest=max(map(len, members)))


def _common(one: str, other: str) -> int:
    """Return the length of what both begin with, by halving: values may be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
