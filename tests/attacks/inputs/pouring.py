"""One call over HTTP/2 by hand, whose message is made while it is sent: gRPC's own clients hold all of it in memory."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
FIRST_WINDOW, MAX_FRAME = 65535, 16384
INITIAL_WINDOW_SIZE = 4
CALL = 1
PIECE = bytes(65536)


def one_message(size: int) -> Iterator[bytes]:
    """A gRPC message of so many zeros."""
    yield b"\0" + size.to_bytes(4, "big")
    for _ in range(size // len(PIECE)):
        yield PIECE


def messages(contents: Iterator[bytes]) -> Iterator[bytes]:
    for content in contents:
        yield b"\0" + len(content).to_bytes(4, "big") + content


class Pouring:
    """`ended`: the other side has ended the call."""

    def __init__(self, *, place: str, method: str, metadata: tuple[tuple[str, str], ...]) -> None:
        host, _, port = place.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=20)
        self._received = bytearray()
        self._room = {0: FIRST_WINDOW, CALL: FIRST_WINDOW}
        self._initial = FIRST_WINDOW
        self.ended = False
        named = (
            (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", place),
            ("content-type", "application/grpc"), ("te", "trailers"), *metadata,
        )  # fmt: skip
        block = b"".join(b"\0" + _text(name) + _text(value) for name, value in named)
        self._socket.sendall(PREFACE)
        self._send(SETTINGS, b"")
        self._send(HEADERS, block, flags=END_HEADERS, stream=CALL)

    def close(self) -> None:
        self._socket.close()

    def pour(self, content: Iterator[bytes], *, seconds: float) -> int:
        """Send until all is sent, the call is ended, or the time is over; how many bytes of the content went."""
        until, sent, waiting = time.monotonic() + seconds, 0, b""
        try:
            while time.monotonic() < until:
                room = min(*self._room.values(), MAX_FRAME)
                self._read(patience=0.0 if room > 0 else 0.1)
                if self.ended:
                    break
                if room <= 0:
                    continue
                waiting = waiting or next(content, b"")
                if not waiting:
                    break
                part, waiting = waiting[:room], waiting[room:]
                self._send(DATA, part, stream=CALL)
                self._room[0] -= len(part)
                self._room[CALL] -= len(part)
                sent += len(part)
        except OSError:
            self.ended = True
        return sent

    def _send(self, kind: int, payload: bytes, *, flags: int = 0, stream: int = 0) -> None:
        self._socket.sendall(len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload)

    def _read(self, *, patience: float) -> None:
        while select.select([self._socket], [], [], patience)[0]:
            came = self._socket.recv(65536)
            if not came:
                self.ended = True
                return
            self._received += came
            patience = 0.0
        while len(self._received) >= 9:
            size = int.from_bytes(self._received[:3], "big")
            if len(self._received) < 9 + size:
                return
            kind, flags, stream = struct.unpack(">BBI", self._received[3:9])
            payload = bytes(self._received[9 : 9 + size])
            del self._received[: 9 + size]
            self._take(kind, flags, stream, payload)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == WINDOW_UPDATE and stream in self._room:
            self._room[stream] += int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == INITIAL_WINDOW_SIZE:
                    self._room[CALL] += value - self._initial
                    self._initial = value
            self._send(SETTINGS, b"", flags=ACK)
        elif kind == PING and not flags & ACK:
            self._send(PING, payload, flags=ACK)
        elif kind in (RST_STREAM, GOAWAY) or (kind == HEADERS and flags & END_STREAM):
            self.ended = True


def _text(text: str) -> bytes:
    """As HPACK writes a text without compression."""
    size = len(text)
    if size < 127:
        return bytes([size]) + text.encode()
    rest = size - 127
    assert rest < 128, "longer texts are not needed here"
    return bytes([127, rest]) + text.encode()
