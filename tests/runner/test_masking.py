"""Masking: every spelling of a value, and only values."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from agents.runner.masking import Masker

VALUE = 'p@ss/word+1"x'


def masker(*values: str) -> Masker:
    made = Masker()
    made.learn(values)
    return made


def test_every_spelling_is_masked() -> None:
    spellings = [
        VALUE,
        quote(VALUE, safe=""),
        quote(VALUE),
        json.dumps(VALUE),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ]
    for spelling in spellings:
        assert spelling.strip('"=') not in masker(VALUE).mask(f"before {spelling} after")


def test_the_longest_value_wins_and_short_ones_stay_words() -> None:
    assert masker("secret", "secret-and-more", "on").mask("secret-and-more on") == "*** on"


def test_each_line_of_a_value_is_masked() -> None:
    key = "-----BEGIN-----\nMIIEpAIBAAKCAQEA\n-----END-----"
    assert masker(key).mask("read MIIEpAIBAAKCAQEA from file") == "read *** from file"


def test_without_values_nothing_changes() -> None:
    assert Masker().mask("as it was") == "as it was"


@given(value=st.text(min_size=6, max_size=40), around=st.text(max_size=20))
def test_no_value_survives(value: str, around: str) -> None:
    masked = masker(value).mask(f"{around}{value}{around}")
    assert value not in masked or value in around or set(value) <= {"*"}
