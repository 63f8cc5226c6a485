"""Unpacks a bundle's tar within bounds of this host's own, whatever has been checked before it came here."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Self

from agents.runner.errors import StepFailedError

# Above what the control plane takes in, so that they stop only what never came through its door.
MAX_BUNDLE_BYTES = 256 * 1024 * 1024
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_MEMBERS = 50_000
MAX_DEPTH = 512
# A long name or a record of attributes; tarfile reads it whole.
MAX_HEADER_BYTES = 64 * 1024
HEADERS = frozenset(
    {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)
CONTENT = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE})
UNREADABLE = (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError)


class _Member(tarfile.TarInfo):
    """A member whose header is judged before tarfile reads what it announces."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0 or (member.type in HEADERS and member.size > MAX_HEADER_BYTES):
            raise _refused("a header announces what no bundle has")
        if member.type not in HEADERS | CONTENT:
            raise _refused(f"{member.name!r} is neither a file nor a folder nor a link")
        return member


def unpack(tar: IO[bytes], folder: Path) -> None:
    """Write the members below the folder. Raises StepFailedError(build) for a tar that is damaged or beyond a bound."""
    left = MAX_UNPACKED_BYTES
    try:
        with tarfile.open(fileobj=tar, mode="r:", tarinfo=_Member) as archive:
            for number, member in enumerate(archive, start=1):
                left -= max(0, member.size)
                _check(member, number=number, left=left)
                # The data filter refuses members that leave the folder, devices and odd permissions.
                archive.extract(member, folder, filter="data")
    except UNREADABLE as error:
        raise _refused(str(error) or type(error).__name__) from error


def _check(member: tarfile.TarInfo, *, number: int, left: int) -> None:
    if member.size < 0 or member.issparse():
        raise _refused(f"{member.name!r} has a size that cannot be true")
    if number > MAX_MEMBERS or left < 0:
        raise _refused(f"it has more than {MAX_MEMBERS} members or {MAX_UNPACKED_BYTES // 1024**2} MiB")
    if len(PurePosixPath(member.name).parts) > MAX_DEPTH:
        raise _refused(f"it has folders more than {MAX_DEPTH} deep")


def _refused(why: str) -> StepFailedError:
    return StepFailedError("build", f"The code bundle cannot be unpacked: {why[:500]}.")
