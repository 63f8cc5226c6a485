"""Reads what may be compressed without holding more than is asked for, and never more than a bound."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from stackgen.errors import BundleInvalid

INPUT_BYTES = 8 * 1024
SKIPPED_BYTES = 64 * 1024
# What unpacking may hold for itself: xz asks for 65 MiB at its highest level.
MAX_XZ_BYTES = 128 * 1024 * 1024
# Compressed parts behind each other, as parallel compressors write them.
MAX_PARTS = 4096
DAMAGED = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class _Part(Protocol):
    """One compressed part: bz2's and lzma's decompressors have this shape."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class _Gzip:
    """zlib's decompressor in the shape of the other two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


KINDS: tuple[tuple[bytes, Callable[[], _Part]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_BYTES)),
)


class Inflated:
    """The bytes behind `content`, compressed or not, in order. Raises BundleInvalid beyond `limit` and for damage."""

    def __init__(self, content: bytes, *, limit: int) -> None:
        self._content = memoryview(content)
        self._at = 0
        self._left = limit
        self._kind = next(((magic, make) for magic, make in KINDS if content.startswith(magic)), None)
        self._part = self._kind[1]() if self._kind else None
        self._parts = 1

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes, fewer only at the end."""
        content = bytearray()
        while len(content) < size and (piece := self._piece(size - len(content))):
            content += piece
        self._left -= len(content)
        if self._left < 0:
            raise BundleInvalid("unpacked it is larger than any bundle may be")
        return bytes(content)

    def skip(self, size: int) -> bool:
        """Pass over so many bytes; False when there are fewer."""
        while size:
            passed = len(self.read(min(size, SKIPPED_BYTES)))
            if not passed:
                return False
            size -= passed
        return True

    def _piece(self, size: int) -> bytes:
        if self._part is None:
            return self._take(size)
        try:
            return self._unpacked(size)
        except DAMAGED as error:
            raise BundleInvalid(f"it cannot be unpacked: {error}") from error

    def _unpacked(self, size: int) -> bytes:
        while self._part is not None:
            if self._part.eof:
                self._next_part()
                continue
            data = self._take(INPUT_BYTES) if self._part.needs_input else b""
            if piece := self._part.decompress(data, size):
                return piece
            if not data and self._part.needs_input and not self._part.eof:
                raise EOFError("it ends too early")
        return b""

    def _next_part(self) -> None:
        assert self._part is not None, "only what is compressed has parts"
        assert self._kind is not None, "only what is compressed has a kind"
        magic, make = self._kind
        # What was handed to a part that had ended is still to be read.
        self._at -= len(self._part.unused_data)
        self._part = None
        if self._content[self._at : self._at + len(magic)] == magic:
            self._parts += 1
            if self._parts > MAX_PARTS:
                raise BundleInvalid(f"it is compressed in more than {MAX_PARTS} parts")
            self._part = make()

    def _take(self, size: int) -> bytes:
        taken = bytes(self._content[self._at : self._at + size])
        self._at += len(taken)
        return taken
