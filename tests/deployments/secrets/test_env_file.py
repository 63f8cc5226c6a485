"""A .env file as other tools read it."""

from __future__ import annotations

import pytest

from deployments.errors import Invalid
from deployments.services.secrets.env_file import MAX_FILE_BYTES, read_env_file


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("# a comment\n\n  A = spaced  # not this\n", {"A": "spaced"}),
        ("A='single $X # kept'", {"A": "single $X # kept"}),
        ('A="two\\nlines"', {"A": "two\nlines"}),
        ('KEY="-----BEGIN\nabc\n-----END"\nB=1', {"KEY": "-----BEGIN\nabc\n-----END", "B": "1"}),
        ("export A=1", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=${HOME}/x", {"A": "${HOME}/x"}),
        ("URL=postgres://u:p@h/db?x=y#z", {"URL": "postgres://u:p@h/db?x=y#z"}),
        ('A="say \\"hi\\""', {"A": 'say "hi"'}),
        ("", {}),
    ],
)
def test_values(text: str, values: dict[str, str]) -> None:
    assert read_env_file(text) == values


@pytest.mark.parametrize(("text", "line"), [("A=1\n\n=s3cret\n", 3), ("s3cret\n", 1), ('A=1\nB="s3cret\n', 2)])
def test_a_line_that_cannot_be_read_is_named_and_nothing_taken(text: str, line: int) -> None:
    with pytest.raises(Invalid, match=f"line {line} ") as refused:
        read_env_file(text)
    assert "s3cret" not in f"{refused.value.message}{refused.value.details}"


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(Invalid, match="larger"):
        read_env_file("A=" + "x" * MAX_FILE_BYTES)
