"""Calls as they travel over two topics: each message is a frame of one link, numbered in its direction. Pure.

A link is what a connection is elsewhere: both sides named part of its id freshly, so no frame of a former one, however
often it is read again, counts. Frames that are lost or come in another order end the link; both sides then settle by a
new one, as after any other interruption.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from agents.limits import KIB, MIB

# Brokers take messages of 1 MiB unless told otherwise; what is larger goes in pieces.
MAX_PIECE = 512 * KIB
MAX_ENVELOPE_BYTES = 1 * MIB
MAX_ID = 100


class BadFrameError(ValueError):
    """No frame as either side makes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What one side says to the other.

    `knock` asks for a link, `nonce` answers it, `credential` (sealed) makes it one, `closed` ends it. All others belong
    to a call: its first one names the method; `message` is its content as JSON, `sealed` the same kept from readers,
    `piece` a part of either's text with `more` to come; `end` is the last, with `error` where the call failed.
    """

    link: str
    number: int = 0
    knock: bool = False
    nonce: str = ""
    credential: str = ""
    closed: bool = False
    call: str = ""
    method: str = ""
    message: dict[str, Any] | None = None
    sealed: str = ""
    piece: str = ""
    more: bool = False
    end: bool = False
    error: str = ""
    details: str = ""

    def payload(self) -> dict[str, Any]:
        """Return it as the payload of an envelope, without what says nothing."""
        fields = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in fields.items() if value or name == "number"}


FIELDS = (
    "link", "number", "knock", "nonce", "credential", "closed", "call", "method", "message", "sealed", "piece", "more",
    "end", "error", "details",
)  # fmt: skip
TYPES: dict[str, type] = {
    "number": int, "knock": bool, "closed": bool, "message": dict, "more": bool, "end": bool,
}  # fmt: skip
SHORT = frozenset({"link", "nonce", "call", "method", "error"})


def frame_of(payload: object) -> Frame:
    """Read the payload of an envelope; fields of a newer version are left alone. Raises BadFrameError."""
    if not isinstance(payload, dict) or not isinstance(payload.get("link"), str):
        raise BadFrameError("no frame")
    read = {name: payload[name] for name in FIELDS if name in payload}
    for name, value in read.items():
        wanted = TYPES.get(name, str)
        if type(value) is not wanted or (name in SHORT and len(str(value)) > MAX_ID):
            raise BadFrameError(f"{name} is not as it must be")
    return Frame(**read)


def pieces(frame: Frame) -> list[Frame]:
    """Return the frame, or where it is too large for one message the frames that carry it in parts."""
    text = json.dumps({"message": frame.message, "sealed": frame.sealed}, separators=(",", ":"))
    if len(text) <= MAX_PIECE:
        return [frame]
    bare = replace(frame, message=None, sealed="", end=False, method="")
    parts = [text[start : start + MAX_PIECE] for start in range(0, len(text), MAX_PIECE)]
    made = [replace(bare, piece=part, more=True) for part in parts]
    made[0] = replace(made[0], method=frame.method)
    made[-1] = replace(made[-1], more=False, end=frame.end)
    return made


class Assembly:
    """The parts of one call's messages in one direction; what is larger than `max_bytes` is refused."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max = max_bytes
        self._parts: list[str] = []
        self._size = 0

    def add(self, frame: Frame) -> Frame | None:
        """Return the frame whole, or None while parts are missing. Raises BadFrameError."""
        if not frame.piece:
            return frame
        self._size += len(frame.piece)
        if self._size > self._max:
            raise BadFrameError("a message larger than allowed")
        self._parts.append(frame.piece)
        if frame.more:
            return None
        text, self._parts, self._size = "".join(self._parts), [], 0
        try:
            whole = json.loads(text)
            return replace(frame, piece="", message=whole["message"], sealed=whole["sealed"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadFrameError("parts that make no message") from error
