"""Docker's answer becomes lines: in pieces of any size, of both streams, long or coloured; memory stays bounded."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from agents.runner.logs.lines import LineReader, RawLine, Source, shown
from agents.runner.logs.live import MAX_LINES, MAX_PAST_CHARACTERS, LiveLines, PastLines

SOURCE = Source(container_id="c" * 64, service="web", name="web-1")
STAMP = "2026-11-28T10:00:00.000000005Z"
AT = 1_795_860_000_000_000_005


def frame(text: str, *, stream: int = 1) -> bytes:
    data = f"{STAMP} {text}".encode()
    return struct.pack(">BxxxL", stream, len(data)) + data


def read(data: bytes, *, size: int, framed: bool = True, keep: int = 100) -> list[RawLine]:
    reader = LineReader(source=SOURCE, framed=framed, keep=keep)
    return [line for at in range(0, len(data), size) for line in reader.take(data[at : at + size])]


@given(size=st.integers(1, 200))
def test_however_it_is_cut_the_lines_are_the_same(size: int) -> None:
    data = frame("one\n") + frame("bad\n", stream=2) + frame("lo") + frame("other\n", stream=2) + frame("ng\n")
    lines = read(data, size=size)
    assert [(line.text, line.is_error_stream) for line in lines] == [
        ("one", False),
        ("bad", True),
        ("other", True),
        ("long", False),
    ]
    assert {line.at_ns for line in lines} == {AT}


def test_of_a_long_line_the_beginning_is_kept() -> None:
    data = b"".join(frame("x" * 60) for _ in range(50)) + frame("end\n") + frame("next\n")
    assert [len(line.text) for line in read(data, size=4096)] == [100, 4]


def test_a_terminal_has_no_frames() -> None:
    data = f"{STAMP} one\r\n{STAMP} two\r\n".encode()
    assert [line.text for line in read(data, size=7, framed=False)] == ["one", "two"]


def test_nothing_that_a_terminal_obeys_is_shown() -> None:
    assert shown("\x1b[31mred\x1b[0m \x1b]0;title\x07tab\there\x00\x9b\r") == "red tab\there"


def line(number: int, text: str = "x") -> RawLine:
    return RawLine(at_ns=number, service="web", container="web-1", text=text)


def test_a_flood_leaves_the_newest_and_counts_the_others() -> None:
    live = LiveLines()
    for number in range(10_000):
        live.add(line(number))
    lines, left_out = live.take()
    assert [lines[0].at_ns, lines[-1].at_ns, len(lines), left_out] == [9_800, 9_999, MAX_LINES, 9_800]
    assert live.take() == ([], 0)


def test_the_past_fits_into_memory() -> None:
    past = PastLines(wanted=5000)
    for number in range(5000):
        past.add(line(number, text="x" * 8192))
    assert sum(len(each.text) for each in past.lines) <= MAX_PAST_CHARACTERS
    assert (past.cut, past.lines[-1].at_ns) == (True, 4999)
