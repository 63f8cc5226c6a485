"""What a container writes, line by line: out of Docker's frames, with the engine's time, fit to be shown. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

ERROR_STREAM = 2
HEADER_BYTES = 8
NS_PER_SECOND = 1_000_000_000
MAX_FRAME_BYTES = 1024 * 1024
# Colours and cursor movements of terminals, then every other control character: a terminal that shows lines obeys them.
ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """A line as it was written, not masked; `text` may be cut."""

    at_ns: int
    service: str
    container: str
    text: str
    is_error_stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A container whose lines are read."""

    container_id: str
    service: str
    name: str


class LineReader:
    """Puts the lines of one container together; of a long one, which Docker tells in pieces, `keep` characters."""

    def __init__(self, *, source: Source, framed: bool, keep: int) -> None:
        self._source = source
        self._framed = framed
        self._keep = keep
        self._rest = b""
        self._begun: dict[bool, tuple[int, str]] = {}
        self._second = ("", 0)

    def take(self, data: bytes) -> list[RawLine]:
        """Return the lines that are whole with this piece of Docker's answer. Raises ValueError for what is none."""
        self._rest += data
        pieces = self._frames() if self._framed else self._plain()
        return [line for is_error, piece in pieces if (line := self._line(piece, is_error=is_error)) is not None]

    def _frames(self) -> list[tuple[bool, bytes]]:
        found, at, rest = [], 0, self._rest
        while at + HEADER_BYTES <= len(rest):
            length = int.from_bytes(rest[at + 4 : at + HEADER_BYTES])
            if length > MAX_FRAME_BYTES:
                raise ValueError("no frame of Docker's")
            end = at + HEADER_BYTES + length
            if end > len(rest):
                break
            found.append((rest[at] == ERROR_STREAM, rest[at + HEADER_BYTES : end]))
            at = end
        self._rest = rest[at:]
        return found

    def _plain(self) -> list[tuple[bool, bytes]]:
        *whole, self._rest = self._rest.split(b"\n")
        if len(self._rest) > MAX_FRAME_BYTES:
            whole.append(self._rest)
            self._rest = b""
        return [(False, line + b"\n") for line in whole]

    def _line(self, piece: bytes, *, is_error: bool) -> RawLine | None:
        stamp, _, text = piece.decode("utf-8", "replace").partition(" ")
        at_ns, begun = self._begun.pop(is_error, (self._nanoseconds(stamp), ""))
        joined = begun + text.rstrip("\r\n") if len(begun) < self._keep else begun
        if not text.endswith("\n"):
            self._begun[is_error] = (at_ns, joined)
            return None
        return RawLine(
            at_ns=at_ns,
            service=self._source.service,
            container=self._source.name,
            text=joined[: self._keep],
            is_error_stream=is_error,
        )

    def _nanoseconds(self, stamp: str) -> int:
        """Return Docker's time as nanoseconds since 1970; 0 for what is none."""
        if stamp[:19] != self._second[0]:
            self._second = (stamp[:19], nanoseconds(stamp[:19]))
        digits = stamp[20:29].rstrip("Z") if stamp[19:20] == "." else ""
        return self._second[1] + (int(digits.ljust(9, "0")) if digits.isdigit() else 0)


def nanoseconds(second: str) -> int:
    """Return a second of Docker's, without its fraction, as nanoseconds since 1970; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(second).replace(tzinfo=UTC)
    except ValueError:
        return 0
    return int(moment.timestamp()) * NS_PER_SECOND


def shown(text: str) -> str:
    """Return the text without what a terminal would obey."""
    return ESCAPES.sub("", text)
