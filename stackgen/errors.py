"""What can be wrong with what we are given. Everything at once, so that people fix a graph in one go.

StackgenError
├── GraphInvalid        the graph, or code that does not fit it
├── BundleInvalid       a directory or tar that cannot be a code bundle
└── VariablesMissing    a value that nobody supplied
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to repair. `node_id` and `node_name` are empty where the graph itself is meant."""

    node_id: str = ""
    node_name: str = ""
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.node_name or '(no name)'} [{self.node_id}]" if self.node_id or self.node_name else "graph"
        return one_line(f"{where} {self.field}: {self.message}")


def one_line(text: str) -> str:
    """Return the text on one line: what would break it or steer a terminal is shown as an escape."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class StackgenError(Exception):
    """Base of all errors of this library."""


class GraphInvalid(StackgenError):
    """The graph cannot become a stack."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class BundleInvalid(StackgenError):
    """The code cannot become a bundle; the text says which file and why."""


class VariablesMissing(StackgenError):
    """Variables of a stack without a value; `keys` tells by name under which key each is looked for."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self.keys = dict(keys)
        self.names = tuple(self.keys)
        super().__init__(f"no value for {', '.join(self.names)}")
