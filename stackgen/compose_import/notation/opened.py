"""Where files come from: a folder of a disk, or what was uploaded."""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

MAX_FILES_OF_FOLDER = 200
MAX_READ_BYTES = 4 * 1024 * 1024


class Files(Protocol):
    """Reads what a Compose file refers to; paths begin at the project's folder."""

    def read(self, path: str) -> bytes | None:
        """Return the content; None where there is no such file, or it may not be read."""

    def below(self, path: str) -> tuple[str, ...] | None:
        """Return the files of a folder by their path within it, at most MAX_FILES_OF_FOLDER + 1; None: no folder."""


class UploadedFiles:
    """Files by their path; nothing else is ever read."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = {posixpath.normpath(path.replace("\\", "/")): content for path, content in files.items()}

    def read(self, path: str) -> bytes | None:
        return self._files.get(posixpath.normpath(path))

    def below(self, path: str) -> tuple[str, ...] | None:
        folder = posixpath.normpath(path)
        start = "" if folder == "." else f"{folder}/"
        found = sorted(name[len(start) :] for name in self._files if name.startswith(start))
        return tuple(found[: MAX_FILES_OF_FOLDER + 1]) if found else None


class FolderFiles:
    """Files of a disk, read for the person who started the program."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        try:
            place = self._root / path
            known = place.stat()
            if not stat.S_ISREG(known.st_mode) or known.st_size > MAX_READ_BYTES:
                return None
            return place.read_bytes()
        except (OSError, ValueError):
            return None

    def below(self, path: str) -> tuple[str, ...] | None:
        folder = self._root / path
        try:
            if not folder.is_dir():
                return None
            found: list[str] = []
            for place in sorted(folder.rglob("*")):
                if place.is_file():
                    found.append(place.relative_to(folder).as_posix())
                if len(found) > MAX_FILES_OF_FOLDER:
                    break
        except (OSError, ValueError):
            return None
        return tuple(found)
