"""A folder that was uploaded as a zip, unpacked within bounds."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib

MAX_FILES = 200
MAX_BYTES = 8 * 1024 * 1024


class CannotUnzip(ValueError):
    """Not a zip, or more than may be unpacked; the text says which."""


def unzipped(content: bytes) -> dict[str, bytes]:
    """Return the files by path, without a folder that all of them lie in. Raises CannotUnzip."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = dict(_files(archive))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise CannotUnzip(f"is no zip that can be read: {error}") from None
    tops = {name.partition("/")[0] for name in found}
    if len(tops) == 1 and all("/" in name for name in found):
        return {name.partition("/")[2]: data for name, data in found.items()}
    return found


def _files(archive: zipfile.ZipFile) -> list[tuple[str, bytes]]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MAX_FILES:
        raise CannotUnzip(f"holds more than {MAX_FILES} files")
    left = MAX_BYTES
    found = []
    for entry in entries:
        name = posixpath.normpath(entry.filename.replace("\\", "/"))
        if name.startswith(("/", "..")):
            raise CannotUnzip("holds a file that leads out of it")
        with archive.open(entry) as file:
            # What the header says of the size is not believed.
            data = file.read(left + 1)
        left -= len(data)
        if left < 0:
            raise CannotUnzip(f"holds more than {MAX_BYTES // 1024**2} MiB")
        found.append((name, data))
    return found
