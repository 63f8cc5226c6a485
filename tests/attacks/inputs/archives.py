"""Archives that somebody made to cost more than they may: small to send, large or endless to read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable

MIB = 1024 * 1024
BLOCK = tarfile.BLOCKSIZE
# What a header announces, well above every bound.
HUGE = 120 * MIB


def header(name: str = "x", *, kind: bytes = tarfile.REGTYPE, size: int = 0, field: bytes = b"") -> bytes:
    """One header block; `field` is its size as bytes, where no number will do."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if field:
        block[124:136] = field.rjust(12, b"\0")
        block[148:156] = b" " * 8
        block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def pax(*records: tuple[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    lines = b""
    for key, value in records:
        rest = f" {key}={value}\n".encode()
        length = len(rest)
        while length != len(rest) + len(str(length)):
            length = len(rest) + len(str(length))
        lines += str(length).encode() + rest
    return header("pax", kind=kind, size=len(lines)) + padded(lines)


def file(content: bytes = b"1", name: str = "main.py") -> bytes:
    return header(name, size=len(content)) + padded(content)


def ended(content: bytes) -> bytes:
    return content + bytes(2 * BLOCK)


def credit() -> bytes:
    """A size below zero that is set after the place of the next header was worked out, then more than the bound."""
    many = b"".join(file(bytes(20 * MIB), f"f{number}") for number in range(4))
    return gzip.compress(ended(pax(("GNU.sparse.size", "-1000000000000")) + file() + many), 1)


def huge_header(kind: bytes, pack: Callable[[], tuple[Callable[[bytes], bytes], Callable[[], bytes]]]) -> bytes:
    """An extended header of HUGE bytes, packed small."""
    compress, flush = pack()
    content = compress(header("long", kind=kind, field=b"\x80" + HUGE.to_bytes(11)))
    for _ in range(HUGE // MIB):
        content += compress(bytes(MIB))
    return content + compress(file()) + flush()


def as_gzip() -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress, packer.flush


def as_bzip2() -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    packer = bz2.BZ2Compressor(1)
    return packer.compress, packer.flush


def nested() -> bytes:
    return ended(b"".join(pax(("comment", "x")) for _ in range(3000)) + file())


def xz_of_large_dictionary() -> bytes:
    """An xz whose header asks for a dictionary of 1.5 GiB."""
    packed = bytearray(lzma.compress(ended(file()), filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}]))
    size = (packed[12] + 1) * 4
    packed[16] = 37
    packed[12 + size - 4 : 12 + size] = zlib.crc32(packed[12 : 12 + size - 4]).to_bytes(4, "little")
    return bytes(packed)


def many_entries() -> bytes:
    return gzip.compress(ended(b"".join(header(f"d{number}", kind=tarfile.DIRTYPE) for number in range(25_000))), 1)


def sparse() -> bytes:
    """A file of a few bytes that says it is a terabyte."""
    records = ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", str(2**40))
    return ended(pax(*records) + file(b"1\n0\n512\n" + bytes(504)))


def old_sparse() -> bytes:
    return ended(header("x", kind=tarfile.GNUTYPE_SPARSE, size=BLOCK) + bytes(BLOCK))


def devices() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        info = tarfile.TarInfo("null")
        info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 3
        tar.addfile(info)
    return target.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a size below zero": credit,
    "a size below zero in base 256": lambda: ended(header(field=b"\xff" * 12)),
    "a pax size below zero": lambda: ended(pax(("size", "-512")) + file()),
    "a pax size that is no number": lambda: ended(pax(("size", "9" * 5000)) + file()),
    "a size beyond every disk": lambda: ended(header(field=b"\x80" + b"\xff" * 11)),
    "a huge pax header": lambda: huge_header(tarfile.XHDTYPE, as_gzip),
    "a huge global header": lambda: huge_header(tarfile.XGLTYPE, as_gzip),
    "a huge long name": lambda: huge_header(tarfile.GNUTYPE_LONGNAME, as_bzip2),
    "a huge long link": lambda: huge_header(tarfile.GNUTYPE_LONGLINK, as_gzip),
    "a huge file": lambda: huge_header(tarfile.REGTYPE, as_gzip),
    "headers in headers": nested,
    "a sparse file": sparse,
    "an old sparse file": old_sparse,
    "a dictionary larger than memory": xz_of_large_dictionary,
    "too many entries": many_entries,
    "very many empty parts": lambda: gzip.compress(b"", mtime=0) * 500_000,
    "a device": devices,
    "a deep path": lambda: ended(pax(("path", "d/" * 400 + "x")) + file()),
    "a pax record that says too much": lambda: ended(
        header("p", kind=tarfile.XHDTYPE, size=20) + padded(b"99 path=x\n" + bytes(10)) + file()
    ),
    "a cut gzip": lambda: gzip.compress(ended(file(bytes(100_000))))[:-40],
}
