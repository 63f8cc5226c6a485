"""An independent reader understands what was meant, whatever the text."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackgen.yaml import Comment, Flow, document, scalar

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TRICKY = st.sampled_from([
    "null", "Null", "~", "yes", "NO", "on", "off", "true", "1", "1e3", "0x1F", "0o7", "1_000", ".5", "-1", "+1", "1:30",
    "12:30:45", "2001-01-01", ".inf", ".nan", "=", "<<", "", " ", " a", "a ", "a: b", "a:", "#a", "a #b", "- a", "-",
    "?", "? a", "!a", "&a", "*a", "@a", "`a", "%a", "{a", "[a", "a,b", "|", ">", "'", '"', "---", "...", "a\nb\n", "\n",
    "\ta\n", "a\n\n", "a\r\n", "2s", "10m", "é\u2028", "😀", "\x85", "${A}", "$$", "y", "n", "0", "08", "1.2.3",
    "--- a", "a\n---\nb\n", "#\nx\n", "a\n b\n\nc\n", "1e", "e1",
])  # fmt: skip
STRINGS = TEXT | TRICKY
VALUES = st.recursive(
    STRINGS | st.integers(-99, 99) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(STRINGS, VALUES, max_size=5))
def test_what_is_written_is_what_is_read(value: dict[str, Any]) -> None:
    assert yaml.safe_load(document(value)) == (value or None) or value == {}


@given(STRINGS)
def test_a_scalar_stays_on_its_line(text: str) -> None:
    assert len(scalar(text).splitlines()) == 1
    assert yaml.safe_load(f"key: {scalar(text)}") == {"key": text}


def test_it_reads_as_people_write() -> None:
    written = document(
        {
            Comment("Why."): None,
            "name": "a",
            Comment(): None,
            "list": [{"a": 1, "b": "2"}, "x"],
            "test": Flow(["CMD", "x y"]),
            "text": "one\ntwo\n",
            "none": {},
        }
    )
    assert written == (
        '# Why.\nname: a\n\nlist:\n  - a: 1\n    b: "2"\n  - x\ntest: ["CMD", "x y"]\ntext: |\n  one\n  two\nnone: {}\n'
    )


@pytest.mark.parametrize("text", ["10m", "2s", "${A}", "a.b/c:1", "postgresql://u:${P}@h:1/d"])
def test_what_is_safe_is_plain(text: str) -> None:
    assert scalar(text) == text
