"""Patterns of paths as `.dockerignore` has them, matched in one step per character of the name, whoever wrote them.

A regular expression of many `*` may take time that doubles with each of them. Here the places of the pattern that a
name may have reached are the bits of one number, and each character moves all of them on at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# `*` and `?` stay within a part of the path, `**` spans parts, `**/` is any number of whole parts.
PIECE = re.compile(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", re.DOTALL)
WILD = re.compile(r"[*?\[]")
RANGE = re.compile(r".-.|.", re.DOTALL)


@dataclass(slots=True)
class Pattern:
    """Bit n stands for a name that has matched the first n characters of the pattern.

    `literal`, `classes` and `any_but_slash` say which bits a character moves on, `stays` and `stays_in_part` which ones
    it leaves where they are (`**` and `*`), `parts` from where whole parts may be skipped. `plain` is what stands
    behind a leading `**/`, or all of the pattern, where nothing of that is wild: most patterns need no steps at all.
    """

    plain: str = ""
    length: int = 0
    literal: dict[str, int] = field(default_factory=dict)
    classes: list[tuple[str, int]] = field(default_factory=list)
    any_but_slash: int = 0
    stays: int = 0
    stays_in_part: int = 0
    parts: int = 0
    moves: dict[str, int] = field(default_factory=dict)

    def matches(self, name: str) -> bool:
        """Return whether the name, or a folder it lies in, matches."""
        if self.plain:
            found = f"/{name}/".find(f"/{self.plain}/")
            return found == 0 or (found > 0 and bool(self.parts))
        whole = 1 << self.length
        reached = self._skip(1)
        for character in name:
            if character == "/":
                if reached & whole:
                    return True
                reached = (reached & self._moved_by(character)) << 1 | reached & self.stays
            else:
                staying = reached & (self.stays | self.stays_in_part)
                reached = (reached & self._moved_by(character)) << 1 | staying
            if not reached:
                return False
            reached = self._skip(reached)
        return bool(reached & whole)

    def _skip(self, reached: int) -> int:
        """No part at all, or into the parts that are skipped."""
        before = reached & self.parts
        return reached | before << 1 | before << 2

    def _moved_by(self, character: str) -> int:
        found = self.moves.get(character)
        if found is None:
            found = self.literal.get(character, 0) | (0 if character == "/" else self.any_but_slash)
            for text, bit in self.classes:
                found |= bit if _takes(text, character) else 0
            self.moves[character] = found
        return found


def parse(text: str) -> Pattern:
    """Read a pattern; a bracket that is not closed stands for itself."""
    rest = text.removeprefix("**/")
    pattern = Pattern(plain="" if WILD.search(rest) else rest)
    for piece in PIECE.findall(text):
        bit = 1 << pattern.length
        if piece == "**":
            pattern.stays |= bit
        elif piece == "*":
            pattern.stays_in_part |= bit
        elif piece == "**/":
            _add_parts(pattern)
        else:
            _add_character(pattern, piece, bit)
            pattern.length += 1
    return pattern


def _add_parts(pattern: Pattern) -> None:
    here = 1 << pattern.length
    # Behind `**`, or once more: whatever may be skipped is skipped already.
    if here & (pattern.stays | pattern.parts << 2):
        return
    pattern.parts |= here
    pattern.stays |= here << 1
    pattern.literal["/"] = pattern.literal.get("/", 0) | here << 1
    pattern.length += 2


def _add_character(pattern: Pattern, piece: str, bit: int) -> None:
    if piece == "?":
        pattern.any_but_slash |= bit
    elif len(piece) > 1:
        pattern.classes.append((piece[1:-1], bit))
    else:
        pattern.literal[piece] = pattern.literal.get(piece, 0) | bit


def _takes(text: str, character: str) -> bool:
    """Whether a class such as `a-z_`, or the contrary of one such as `^0-9`, takes the character."""
    negated = text.startswith("^") and len(text) > 1
    inside = any(each[0] <= character <= each[-1] for each in RANGE.findall(text[negated:]))
    return inside is not negated
