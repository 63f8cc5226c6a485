"""Finding the sentence behind an English text: what is stored or was sent lost its source and values. Pure.

Texts are matched against the sources that a catalogue knows, so that rows stored long ago are translated as new ones
are, and nothing but English is ever stored. A text that no source fits is shown as it is. Within a text of several
sentences only whole ones are looked for, never phrases: the others may be a person's or another program's own words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

FIELD = re.compile(r"\{(\w+)(?:![rs])?(?::[^{}]*)?\}")
# A brace that is no field's is written twice, as format strings have it.
FIELD_OR_BRACE = re.compile(r"\{\{|\{(\w+)(?:![rs])?(?::[^{}]*)?\}")
# Nobody could tell where one of two values side by side ends: the first stands for both.
ONE_VALUE = re.compile(r"(?:\{\w+(?:![rs])?(?::[^{}]*)?\})+")
ENDS = re.compile(r"(?<=[.!?:;])\s+")
STOPS = ".!?:;"
# A source of fewer letters, without a stop, is a phrase that others' words may happen to hold.
MIN_ALONE = 15
# What a phrase may begin with where no word of its own stands before: one name, or several with commas.
NAMES = re.compile(r"(?:'[^']*'|\S+)(?:, (?:'[^']*'|\S+))*")
# What can be said of somebody: a verb comes first.
SAYS = re.compile(r"(?!(?:as|its|items|this) )(?:are|can|cannot|could|did|do|had|have|may|must|ran|[a-z]+(?:s|ed)) ")
# Values that are other people's names, whatever they say.
OF_OTHERS = frozenset(
    {
        *("asked_by", "by", "cancel_requested_by", "heir", "host", "hostname", "owner", "path", "project"),
        *("project_name", "requested_by", "server", "server_name", "user", "username", "who"),
    }
)
LETTER = re.compile(r"[^\W\d_]")
# Fewer letters than this around the values say nothing of where a text comes from.
MIN_LETTERS = 5
MAX_TEXT = 4000
MAX_PARTS = 12
MAX_DEPTH = 3
MAX_KEPT = 4096
# How much of its beginning, or else of its end, a source is found by: most of them need not be tried.
HEAD = 5
TAIL = 4


@dataclass(frozen=True, kw_only=True)
class Template:
    """What stands between the values of a source, in order, and their names."""

    source: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def weight(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def is_phrase(self) -> bool:
        """Return whether it begins with a value and ends without a stop: any text may happen to hold such words."""
        return not self.pieces[0] and _may_happen(self.source, "".join(self.pieces))

    def values_in(self, text: str) -> dict[str, str] | None:
        """Return the values by which the source became this text; None where it did not."""
        first, *others = self.pieces
        if not text.startswith(first) or not text.endswith(self.pieces[-1]):
            return None
        at, values, before = len(first), dict[str, str](), first
        for index, (name, piece) in enumerate(zip(self.names, others, strict=True), 1):
            last = index == len(others)
            # What is joined to a word, such as a remark, may be left out; a word of its own may not.
            least = 0 if before[-1:].isalpha() else 1
            end = len(text) - len(piece) if last else text.find(piece, at + least) if piece else -1
            if end < at + least or values.get(name, text[at:end]) != text[at:end]:
                return None
            before = piece
            values[name] = text[at:end]
            at = end + len(piece)
        if self.is_phrase and not NAMES.fullmatch(values[self.names[0]]):
            return None
        return values


class Sentences:
    """The sentences of a language by their English sources; it remembers what it has found."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = {source: said for source, said in known.items() if said}
        self.templates = sorted(_templates(self.known), key=lambda each: -each.weight)
        self.places = _places(self.templates)
        self.translated = lru_cache(maxsize=MAX_KEPT)(self._translated)

    def _translated(self, text: str, depth: int = 0) -> str:
        if not text or len(text) > MAX_TEXT or depth > MAX_DEPTH:
            return text
        whole = self._whole(text, depth)
        return whole if whole is not None else self._by_parts(text, depth)

    def _whole(self, text: str, depth: int) -> str | None:
        one = self._one(text, depth)
        return one if one is not None else self._of_somebody(text, depth)

    def _one(self, text: str, depth: int, *, phrases: bool = True, within: bool = False) -> str | None:
        """Return the text in words; `phrases`: also what begins with a value, `within`: no short ones at all."""
        bare = text.strip()
        if (said := self.known.get(bare)) is not None and not (within and _may_happen(bare, bare)):
            return text.replace(bare, said)
        for template in self._candidates(bare):
            barred = (template.is_phrase and not phrases) or (
                within and _may_happen(template.source, "".join(template.pieces))
            )
            values = None if barred else template.values_in(bare)
            if values is not None:
                words = {name: self._value(name, value, depth + 1) for name, value in values.items()}
                return text.replace(bare, _filled(self.known[template.source], words))
        return None

    def _value(self, name: str, text: str, depth: int) -> str:
        """Return a value in words; the last of its sentences lost its dot where the source ends with one."""
        if name in OF_OTHERS:
            return text
        said = self.translated(text, depth)
        if said == text and ". " in text:
            said = self.translated(f"{text}.", depth).removesuffix(".")
        return said

    def _candidates(self, text: str) -> Iterator[Template]:
        """Yield what the text may come from, the heaviest first."""
        keys = (("head", text[:HEAD]), ("tail", text[-TAIL:]), ("", ""))
        for place in sorted(itertools.chain.from_iterable(self.places.get(key, ()) for key in keys)):
            yield self.templates[place]

    def _of_somebody(self, text: str, depth: int) -> str | None:
        """Return `NAME does something.` with what follows the name translated, where that alone is known."""
        name, _, rest = text.partition(" ")
        dot = "." if rest.endswith(".") else ""
        is_said = SAYS.match(rest) and not name.endswith(tuple(STOPS))
        said = self._one(rest.removesuffix("."), depth, phrases=False) if is_said else None
        return None if said is None else f"{name} {said}{dot}"

    def _by_parts(self, text: str, depth: int) -> str:
        """Return a text of several sentences with those translated that are known, the longest runs first."""
        ends = [match.start() for match in ENDS.finditer(text)][:MAX_PARTS]
        for end in reversed(ends):
            if (said := self._whole(text[:end], depth)) is not None:
                return said + self._rest(text[end:], depth + 1)
        if ends:
            return text[: ends[0]] + self._rest(text[ends[0] :], depth + 1)
        return text

    def _rest(self, text: str, depth: int) -> str:
        """Return what follows a sentence; a few words without a stop are part of what was not recognised."""
        if text.rstrip().endswith(tuple(STOPS)) or ENDS.search(text.strip()):
            return self.translated(text, depth)
        said = self._one(text, depth, within=True)
        return text if said is None else said


def _may_happen(source: str, own: str) -> bool:
    """Return whether anybody may have written such words; `own` are those of the source without its values."""
    return not source.endswith(tuple(STOPS)) and len(LETTER.findall(own)) < MIN_ALONE


def says_enough(source: str) -> bool:
    """Return whether a text can be told to come from this source: it has no values, or enough around them."""
    pieces = ONE_VALUE.split(source)
    return len(pieces) == 1 or len(LETTER.findall("".join(pieces))) >= MIN_LETTERS


def _places(templates: Iterable[Template]) -> dict[tuple[str, str], list[int]]:
    """Return where the templates are, by what texts of theirs begin or end with."""
    places = dict[tuple[str, str], list[int]]()
    for place, each in enumerate(templates):
        first, last = each.pieces[0], each.pieces[-1]
        by_end = ("tail", last[-TAIL:]) if len(last) >= TAIL else ("", "")
        places.setdefault(("head", first[:HEAD]) if len(first) >= HEAD else by_end, []).append(place)
    return places


def _templates(sources: Iterable[str]) -> Iterator[Template]:
    for source in sources:
        names = [FIELD.findall(run)[0] for run in ONE_VALUE.findall(source)]
        if names and says_enough(source):
            first, *others = (piece.replace("{{", "{") for piece in ONE_VALUE.split(source))
            yield Template(source=source, pieces=(first, *others), names=tuple(names))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return FIELD_OR_BRACE.sub(lambda field: values.get(field[1], "") if field[1] else "{", text)
