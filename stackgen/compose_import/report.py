"""What became of every line of the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from stackgen.compose_import.tree import Place
from stackgen.errors import one_line


class Outcome(Enum):
    """What became of one thing in a file."""

    BECAME = "became"
    BETTER = "better"
    NEEDED = "needed"
    NOT_KEPT = "not kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`node` is the name of the node that it is about, empty for the project. No secret stands in `text`."""

    place: Place
    outcome: Outcome
    text: str
    node: str = ""

    def __str__(self) -> str:
        return one_line(f"{self.place.file}:{self.place.line} {self.outcome.value}: {self.place.path} - {self.text}")


@dataclass(slots=True)
class Report:
    """Lines in the order of the files once `ordered` was asked for."""

    lines: list[Line] = field(default_factory=list)

    def add(self, place: Place, outcome: Outcome, text: str, *, node: str = "") -> None:
        self.lines.append(Line(place=place, outcome=outcome, text=text, node=node))

    def ordered(self, files: Iterable[str]) -> tuple[Line, ...]:
        """Return each line once, by file and line."""
        order = {name: index for index, name in enumerate(files)}
        unique = dict.fromkeys(self.lines)
        return tuple(sorted(unique, key=lambda line: (order.get(line.place.file, len(order)), line.place.line)))


@dataclass(slots=True)
class Covered:
    """Answers fast whether a place, or one around it, has a line."""

    paths: set[tuple[str, str]] = field(default_factory=set)

    def add(self, place: Place) -> None:
        self.paths.add((place.file, place.path))

    def holds(self, place: Place) -> bool:
        path = place.path
        while True:
            if (place.file, path) in self.paths:
                return True
            if not path:
                return False
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
