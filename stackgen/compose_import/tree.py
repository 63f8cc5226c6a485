"""A YAML document as a tree in which every part knows where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Place:
    """A file, a line of it (0: the file as a whole) and the path of keys that leads there, such as `services.web`."""

    file: str
    line: int = 0
    path: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where} {self.path}".rstrip()

    def covers(self, other: Place) -> bool:
        """Return whether the other place is this one or lies below it."""
        if self.file != other.file:
            return False
        if not self.path or self.path == other.path:
            return True
        return other.path.startswith(self.path) and other.path[len(self.path)] in ".["


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A value with its place. `tag` is `reset` or `override`; `names` are the variables that it was made with,
    `unset` those of them that nobody gave."""

    value: dict[str, Tree] | list[Tree] | Scalar
    place: Place
    tag: str = ""
    names: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()

    @property
    def mapping(self) -> dict[str, Tree]:
        """Return the members of a mapping; none of anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Tree]:
        """Return the items of a list; a single value is a list of one, nothing is empty."""
        if isinstance(self.value, list):
            return self.value
        return [] if self.value is None or isinstance(self.value, dict) else [self]

    @property
    def text(self) -> str:
        """Return a scalar as Compose would write it; an empty text for anything else."""
        return text_of(self.value) if not isinstance(self.value, dict | list) else ""

    @property
    def is_scalar(self) -> bool:
        return not isinstance(self.value, dict | list)

    def get(self, key: str) -> Tree | None:
        """Return a member of a mapping that is not null."""
        member = self.mapping.get(key)
        return None if member is None or member.value is None else member

    def at(self, *keys: str) -> str:
        """Return the text below these keys; empty when there is none."""
        tree: Tree | None = self
        for key in keys:
            tree = tree.get(key) if tree is not None else None
        return tree.text if tree is not None else ""

    def made(self, value: dict[str, Tree] | list[Tree] | Scalar) -> Tree:
        """Return another value that comes from the same place."""
        return replace(self, value=value)

    def with_members(self, **members: Tree | Scalar) -> Tree:
        """Return a mapping of these at this place, without those that are None."""
        given = {
            key: item if isinstance(item, Tree) else self.made(item)
            for key, item in members.items()
            if item is not None
        }
        return self.made(given)


def text_of(value: Scalar) -> str:
    """Return a scalar as text, numbers as the specification's own library prints them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    if value == int(value) and abs(value) < 1e21 if value == value and abs(value) != float("inf") else False:
        return str(int(value))
    text = repr(value)
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text, text)


@dataclass(slots=True)
class Leaves:
    """Every leaf of what was read, by its place."""

    places: list[Place] = field(default_factory=list)

    def add(self, tree: Tree) -> None:
        self.places.extend(leaf.place for leaf in leaves_of(tree))


def leaves_of(tree: Tree) -> Iterator[Tree]:
    """Yield scalars and empty collections."""
    if isinstance(tree.value, dict) and tree.value:
        for member in tree.value.values():
            yield from leaves_of(member)
    elif isinstance(tree.value, list) and tree.value:
        for item in tree.value:
            yield from leaves_of(item)
    else:
        yield tree
