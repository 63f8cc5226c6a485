"""Patterns of `.dockerignore`: what they match, and that none can be made to take long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackgen.code.ignore import MAX_PATTERN, read_ignore
from stackgen.code.patterns import parse


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("build", ["build", "build/z"], ["builds", "a/build", "buil"]),
        ("*.log", ["a.log", ".log", "a.log/b"], ["sub/a.log", "a.logs"]),
        ("a?c", ["abc"], ["ac", "a/c", "abbc"]),
        ("**/x", ["x", "a/x", "a/b/x/y"], ["ax", "a/xx"]),
        ("a/**/x", ["a/x", "a/b/c/x"], ["ax", "a/bx", "b/a/x"]),
        ("docs/**", ["docs/x", "docs/x/y"], ["docs", "docsx"]),
        ("**/**/x", ["x", "a/x", "a/b/x"], ["ax"]),
        ("**/****/x", ["x", "ax", "a/x", "a/b/x"], ["a"]),
        ("**", ["a", "a/b"], []),
        ("[a-c]?", ["ax", "cx/y"], ["dx", "a", "-x"]),
        ("[^0-9_].py", ["a.py"], ["0.py", "_.py"]),
        ("[-a]", ["-", "a"], ["b"]),
        ("a[", ["a[", "a[/b"], ["a", "ab"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a\\b", ["a\\b"], ["ab"]),
    ],
)
def test_what_a_pattern_matches(pattern: str, matching: list[str], others: list[str]) -> None:
    found = {name: parse(pattern).matches(name) for name in [*matching, *others]}
    assert found == {**dict.fromkeys(matching, True), **dict.fromkeys(others, False)}


def as_expression(text: str) -> str:
    """The same pattern for another judge, which is slow where patterns are made for that."""
    written = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.findall(r"\*\*/|\*\*|.", text)
    return "".join(written.get(piece, re.escape(piece)) for piece in pieces) + r"(?:/|\Z)"


@given(pattern=st.text("ab/*?", min_size=1, max_size=8), name=st.text("ab/", min_size=1, max_size=10))
def test_it_matches_what_a_regular_expression_does(pattern: str, name: str) -> None:
    assert parse(pattern).matches(name) is (re.match(as_expression(pattern), name) is not None)


class Counted(str):
    """A name that counts how many of its characters were looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[str]:
        for character in super().__iter__():
            self.looked_at += 1
            yield character


@pytest.mark.parametrize("wild", ["a*", "**/a*", "?*", "[a-c]*", "a**"])
def test_a_hundred_wildcards_cost_one_step_per_character(wild: str) -> None:
    name = Counted("a" * 4096)
    assert not parse(wild * 100 + "b").matches(name)
    assert name.looked_at <= len(name)


def test_a_pattern_that_is_longer_than_every_path_is_none(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("a" * (MAX_PATTERN + 1) + "\n*.log\n")
    rules = read_ignore(tmp_path)
    assert rules.matches("a.log")
    assert not rules.matches("a" * (MAX_PATTERN + 1))
