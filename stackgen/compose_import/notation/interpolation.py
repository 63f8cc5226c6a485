"""`$NAME`, `${NAME}` and their forms with a default, as the Compose specification and POSIX shells have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stackgen.compose_import.complaints import Complaint, ComposeInvalid, refused
from stackgen.compose_import.tree import Tree

MAX_NESTING = 20
MAX_TEXT = 1024 * 1024
# Of all texts of one file together.
MAX_FILLED = 8 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


class TemplateError(ValueError):
    """A text in which a dollar sign stands for nothing, or a variable that must be set is not."""


@dataclass(slots=True)
class Template:
    """Fills texts with variables; remembers which were used and which of them nobody gave."""

    values: Mapping[str, str]
    names: list[str] = field(default_factory=list)
    unset: list[str] = field(default_factory=list)

    def fill(self, text: str, nesting: int = 0) -> str:
        """Return the text with its variables filled in. Raises TemplateError."""
        if "$" not in text:
            return text
        if nesting > MAX_NESTING:
            raise TemplateError("nests variables too deeply")
        parts: list[str] = []
        index = 0
        while (found := text.find("$", index)) >= 0:
            parts.append(text[index:found])
            piece, index = self._piece(text, found + 1, nesting)
            parts.append(piece)
        filled = "".join([*parts, text[index:]])
        if len(filled) > MAX_TEXT:
            raise TemplateError(f"becomes longer than {MAX_TEXT} characters")
        return filled

    def _piece(self, text: str, start: int, nesting: int) -> tuple[str, int]:
        """Return what stands for the variable whose dollar sign is before `start`, and where the text goes on."""
        if text.startswith("$", start):
            return "$", start + 1
        if text.startswith("{", start):
            end = _closing(text, start)
            return self._braced(text[start + 1 : end], nesting), end + 1
        name = _NAME.match(text, start)
        if name is None:
            # Compose leaves a dollar sign that begins no variable as it is: `$!`, `$(date)`, a pattern's end.
            return "$", start
        return self._value(name[0]), name.end()

    def _braced(self, inner: str, nesting: int) -> str:
        name = _NAME.match(inner)
        if name is None:
            raise TemplateError(f"${{{inner[:40]}}} names no variable: write $$ for a dollar sign")
        rest = inner[name.end() :]
        if not rest:
            return self._value(name[0])
        operator = next((each for each in _OPERATORS if rest.startswith(each)), "")
        if not operator:
            raise TemplateError(f"${{{inner[:40]}}} is none of the forms of a variable")
        return self._chosen(name[0], operator, rest[len(operator) :], nesting)

    def _chosen(self, name: str, operator: str, other: str, nesting: int) -> str:
        value = self.values.get(name)
        is_set = bool(value) if operator.startswith(":") else value is not None
        self.names.append(name)
        if operator.endswith("+"):
            return self.fill(other, nesting + 1) if is_set else ""
        if is_set:
            return value or ""
        if operator.endswith("?"):
            reason = self.fill(other, nesting + 1)
            raise TemplateError(f"the variable {name} must be set{f': {reason}' if reason else ''}")
        return self.fill(other, nesting + 1)

    def _value(self, name: str) -> str:
        self.names.append(name)
        if name not in self.values:
            self.unset.append(name)
        return self.values.get(name, "")


def _closing(text: str, start: int) -> int:
    """Return where the brace that opens at `start` is closed."""
    depth = 0
    index = start
    while index < len(text):
        if text.startswith("$$", index):
            index += 2
            continue
        if text.startswith("${", index):
            depth += 1
            index += 2
            continue
        if text[index] == "{" and index == start:
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    raise TemplateError("has a ${ that is not closed")


def interpolated_tree(tree: Tree, values: Mapping[str, str]) -> Tree:
    """Return the tree with every text filled in; keys stay. Raises ComposeInvalid with each text that cannot be."""
    filling = _Filling(values)
    filled = filling.filled(tree)
    if filling.complaints:
        raise ComposeInvalid(filling.complaints)
    return filled


@dataclass(slots=True)
class _Filling:
    values: Mapping[str, str]
    complaints: list[Complaint] = field(default_factory=list)
    characters: int = 0

    def filled(self, tree: Tree) -> Tree:
        if isinstance(tree.value, dict):
            return tree.made({key: self.filled(member) for key, member in tree.value.items()})
        if isinstance(tree.value, list):
            return tree.made([self.filled(item) for item in tree.value])
        if not isinstance(tree.value, str) or "$" not in tree.value:
            return tree
        return self._text(tree, tree.value)

    def _text(self, tree: Tree, text: str) -> Tree:
        template = Template(self.values)
        try:
            filled = template.fill(text)
        except TemplateError as error:
            self.complaints.append(Complaint(place=tree.place, message=str(error)))
            return tree
        self.characters += len(filled)
        if self.characters > MAX_FILLED:
            raise refused(tree.place, f"and all above it become longer than {MAX_FILLED} characters")
        names, unset = (tuple(dict.fromkeys(given)) for given in (template.names, template.unset))
        return Tree(filled, tree.place, tree.tag, names, unset)
