"""Masking: every spelling of a value, and only values; as fast with thousands of them as with one."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.runner.control_plane.masker import BUDGET_TEXT, MASK, Masker
from agents.runner.control_plane.spellings import spellings_of

VALUE = 'p@ss/word+1"x'
MIB = 1024 * 1024


def masker(*values: str) -> Masker:
    made = Masker()
    made.learn(values)
    return made


def test_every_spelling_is_masked() -> None:
    spellings = [
        VALUE,
        quote(VALUE, safe=""),
        quote(VALUE),
        quote_plus(f"{VALUE} "),
        json.dumps(VALUE),
        VALUE.encode().hex(),
        VALUE.encode().hex().upper(),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ]
    for spelling in spellings:
        assert spelling.strip('"=') not in masker(VALUE).mask(f"before {spelling} after")


@pytest.mark.parametrize("before", ["", "u", "ad", "user:", "admin:", "Bearer: x"])
@pytest.mark.parametrize("after", ["", "\n", "@host", "?"])
@pytest.mark.parametrize("value", ["secret", "secret7", "s3cr3t-8"])
def test_a_value_inside_of_base64_is_masked(before: str, after: str, value: str) -> None:
    encoded = base64.b64encode(f"{before}{value}{after}".encode()).decode()
    masked = masker(value).mask(encoded)
    assert MASK in masked
    known = base64.b64encode(before.encode()).decode().rstrip("=")
    # What is left besides what stood around it is at most a part of a character at either side.
    left = masked.replace(MASK, "").rstrip("=")
    assert len(left) <= len(known) + len(base64.b64encode(after.encode())) + 2


def test_a_value_that_base64_broke_into_lines_is_masked_line_by_line() -> None:
    value = "".join(random.Random(1).choices("abcdefghijklmnop0123456789", k=300))
    for line in base64.encodebytes(value.encode()).decode().splitlines()[:-1]:
        assert masker(value).mask(line) == MASK


def test_the_longest_value_wins_and_short_ones_stay_words() -> None:
    assert masker("secret", "secret-and-more", "on").mask("secret-and-more on") == "*** on"


def test_each_line_of_a_value_is_masked() -> None:
    key = "-----BEGIN-----\nMIIEpAIBAAKCAQEA\n-----END-----"
    assert masker(key).mask("read MIIEpAIBAAKCAQEA from file") == "read *** from file"


def test_without_values_nothing_changes() -> None:
    assert Masker().mask("as it was") == "as it was"
    assert Masker().mask("as it was", limit=5) == "as it"
    assert masker("secret").mask("half \ud800 of a character, secret") == "half ? of a character, ***"


def reference(text: str, spellings: Iterable[str]) -> str:
    """Each position that any spelling covers, found one by one; what touches is one mask."""
    covered = [False] * len(text)
    for spelling in spellings:
        at = text.find(spelling)
        while at >= 0:
            covered[at : at + len(spelling)] = [True] * len(spelling)
            at = text.find(spelling, at + 1)
    shown = [
        MASK if hidden and not before else "" if hidden else letter
        for letter, hidden, before in zip(text, covered, [False, *covered], strict=False)
    ]
    return "".join(shown)


FEW_LETTERS = st.text(alphabet="abA=é", min_size=1, max_size=24)

LIMITS = st.integers(min_value=0, max_value=40)


@settings(max_examples=150, deadline=None)
@given(values=st.lists(FEW_LETTERS, min_size=1, max_size=8), pieces=st.lists(FEW_LETTERS, max_size=8), data=st.data())
@example(values=["abaabaab", "aabaabAA"], pieces=["abaabaabAA"], data=None)
def test_it_masks_what_a_plain_search_finds_and_nothing_else(
    values: list[str], pieces: list[str], data: st.DataObject | None
) -> None:
    known = sorted(spellings_of(values))
    mixed = data.draw(st.lists(st.sampled_from([*known, *pieces, "b"]), max_size=10)) if data else pieces
    text = "".join(mixed)
    assert masker(*values).mask(text) == reference(text, known)


@settings(max_examples=80, deadline=None)
@given(
    values=st.lists(FEW_LETTERS, min_size=1, max_size=4),
    pieces=st.lists(FEW_LETTERS, max_size=6),
    limit=LIMITS,
)
def test_cutting_shows_no_part_of_a_value(values: list[str], pieces: list[str], limit: int) -> None:
    text = "".join([*pieces, *values, *pieces])
    whole = masker(*values).mask(text)
    cut = masker(*values).mask(text, limit=limit)
    # Cut at a letter that is shown, or within a mask, which then stands there whole.
    assert whole.startswith(cut)
    assert len(cut) <= limit + len(MASK) - 1 if limit else cut == ""


def test_values_with_a_long_common_beginning_are_told_apart() -> None:
    beginning = "".join(random.Random(3).choices("abcdefgh", k=2000))
    values = [f"{beginning}{number:04d}" for number in range(300)]
    made = masker(*values)
    assert made.mask(f"a {values[7]} b {values[299]}") == "a *** b ***"
    assert made.mask(f"a {values[7]}", limit=10) == "a ***"


def hostile() -> dict[str, tuple[list[str], str]]:
    letters = random.Random(7)

    def noise(size: int) -> str:
        return "".join(letters.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=size))

    common = "a" * 200
    other = noise(200)
    return {
        "common beginning": ([f"{common}{number:04d}" for number in range(1000)], "a" * MIB),
        "almost a value, again and again": ([f"{other}{number:04d}" for number in range(1000)], f"{other}99" * 5000),
        "a value, again and again": ([f"{other}{number:04d}" for number in range(1000)], f"{other}0001 " * 5000),
        "nothing in common": ([noise(200) for _ in range(1000)], noise(MIB)),
        "one within the other": (["a" * size for size in range(6, 1006)], "a" * MIB),
        "one letter": (["a" * 20], "a" * MIB),
        "longer than any bound": (["a" * 3000 + f"{number:04d}" for number in range(300)], "a" * MIB),
    }


HOSTILE = hostile()


@pytest.mark.parametrize("case", HOSTILE)
def test_no_text_stops_the_agent(case: str) -> None:
    values, text = HOSTILE[case]
    made = masker(*values)
    with Heart() as heart:
        took = min(timed(made, text, limit=8192) for _ in range(5))
        whole = min(timed(made, text) for _ in range(3))
    assert took < 0.05
    assert whole < 0.5
    assert heart.longest_pause < 0.25
    masked = made.mask(text)
    assert not any(value in masked for value in values)


def timed(made: Masker, text: str, *, limit: int | None = None) -> float:
    began = time.perf_counter()
    assert len(made.mask(text, limit=limit)) <= (limit or len(text)) + len(BUDGET_TEXT)
    return time.perf_counter() - began


class Heart:
    """Another thread that wants to run every few milliseconds, as heartbeats do."""

    def __enter__(self) -> Heart:
        self.longest_pause = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat)
        self._thread.start()
        return self

    def _beat(self) -> None:
        last = time.perf_counter()
        while not self._end.wait(0.002):
            now = time.perf_counter()
            self.longest_pause, last = max(self.longest_pause, now - last), now

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


@given(value=st.text(min_size=6, max_size=40), around=st.text(max_size=20))
def test_no_value_survives(value: str, around: str) -> None:
    masked = masker(value).mask(f"{around}{value}{around}")
    assert value not in masked or value in around or set(value) <= {"*"}
