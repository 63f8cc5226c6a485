"""Reads a tar that anybody may have made: every header is looked at, with bounds, before what it announces is read.

The standard library parses the single header block; going from one to the next is done here, because tarfile reads
extended headers whole, recursively, and believes sizes that they set afterwards.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from stackgen.code.inflate import Inflated
from stackgen.errors import BundleInvalid

BLOCK = tarfile.BLOCKSIZE
MAX_EXTENSION_BYTES = 64 * 1024
# Extended headers in front of one member: a global one, its own, and GNU's two.
MAX_EXTENSIONS = 8
MAX_MEMBER_BYTES = 1024**4
REGULAR = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
LINKS = frozenset({tarfile.SYMTYPE, tarfile.LNKTYPE})
PAX = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE})
# Beside these a pax header may say when and whose a file was, which no bundle keeps.
MEANT = frozenset({"path", "linkpath", "size"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member as its headers describe it; `size` bytes follow where it is a file."""

    name: str
    kind: bytes
    linkname: str
    size: int
    executable: bool

    @property
    def is_file(self) -> bool:
        return self.kind in REGULAR

    @property
    def is_directory(self) -> bool:
        return self.kind == tarfile.DIRTYPE


class TarReader:
    """Members in order. Ask for a member's content before the next member. Raises BundleInvalid for what is no tar."""

    def __init__(self, content: bytes, *, limit: int) -> None:
        self._stream = Inflated(content, limit=limit)
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        first = True
        while (member := self._next(first=first)) is not None:
            first = False
            yield member

    def content(self) -> bytes:
        """Return the content of the member that came last, whole."""
        size, self._left = self._left, 0
        content = self._stream.read(size)
        if len(content) < size:
            raise BundleInvalid("not a readable tar: it ends within a file")
        return content

    def _next(self, *, first: bool) -> Member | None:
        extended: dict[str, str] = {}
        for _ in range(MAX_EXTENSIONS + 1):
            header = self._header(first=first)
            if header is None:
                return None
            if not self._extends(header, extended):
                return self._member(header, extended)
            first = False
        raise BundleInvalid(f"not a readable tar: more than {MAX_EXTENSIONS} headers in front of one file")

    def _header(self, *, first: bool) -> tarfile.TarInfo | None:
        """Return the next header; None at the end."""
        if not self._stream.skip(self._left + self._padding):
            raise BundleInvalid("not a readable tar: it ends within a file")
        self._left = self._padding = 0
        block = self._stream.read(BLOCK)
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError) as error:  # type: ignore[attr-defined]
            if first and isinstance(error, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
                raise BundleInvalid("not a readable tar: it is empty") from error
            return None
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise BundleInvalid(f"not a readable tar: {error}") from error

    def _extends(self, header: tarfile.TarInfo, extended: dict[str, str]) -> bool:
        """Return whether it is a header about the next one; if so, put what it says into `extended`."""
        if header.type in PAX or header.type == tarfile.XGLTYPE:
            records = dict(pax_records(self._extension(header)))
            if header.type == tarfile.XGLTYPE and MEANT & records.keys():
                raise BundleInvalid("not a readable tar: a global header names files")
            extended.update({key: value for key, value in records.items() if key in MEANT})
        elif header.type == tarfile.GNUTYPE_LONGNAME:
            extended.setdefault("path", _text(self._extension(header).split(b"\0")[0]))
        elif header.type == tarfile.GNUTYPE_LONGLINK:
            extended.setdefault("linkpath", _text(self._extension(header).split(b"\0")[0]))
        else:
            return False
        return True

    def _extension(self, header: tarfile.TarInfo) -> bytes:
        self._follow(header.size, limit=MAX_EXTENSION_BYTES)
        return self.content()

    def _member(self, header: tarfile.TarInfo, extended: dict[str, str]) -> Member:
        size = _number(extended["size"]) if "size" in extended else header.size
        if header.type in REGULAR:
            self._follow(size, limit=MAX_MEMBER_BYTES)
        return Member(
            name=extended.get("path", header.name).rstrip("/"),
            kind=header.type,
            linkname=extended.get("linkpath", header.linkname),
            size=size if header.type in REGULAR else 0,
            executable=bool(header.mode & 0o100),
        )

    def _follow(self, size: int, *, limit: int) -> None:
        if not 0 <= size <= limit:
            raise BundleInvalid(f"not a readable tar: a header announces {size} bytes")
        self._left, self._padding = size, -size % BLOCK


def pax_records(content: bytes) -> Iterator[tuple[str, str]]:
    """Return the records "length key=value" of a pax header. Raises BundleInvalid for others and for sparse files."""
    while content and content[0]:
        length, space, _ = content.partition(b" ")
        end = _number(_text(length[:20]))
        if not space or not len(length) + 3 <= end <= len(content) or content[end - 1 : end] != b"\n":
            raise BundleInvalid("not a readable tar: a damaged pax header")
        key, equals, value = content[len(length) + 1 : end - 1].partition(b"=")
        if not equals or not key:
            raise BundleInvalid("not a readable tar: a damaged pax header")
        if key.startswith(b"GNU.sparse"):
            raise BundleInvalid("it holds a sparse file: pack it without holes")
        yield _text(key), _text(value)
        content = content[end:]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise BundleInvalid("not a readable tar: a number in a header is none")
    return int(text)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
