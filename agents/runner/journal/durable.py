"""Files that are whole or not there, also after the power went."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Have this content, for us alone (0600), on the disk under this name when it returns; or leave what was there."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            sync(file.fileno())
        move_into_place(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)


def move_into_place(part: Path, path: Path) -> None:
    """Give a file that is on the disk its name, and have the name on the disk, too."""
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(folder)
    finally:
        os.close(folder)


def sync(descriptor: int) -> None:
    os.fsync(descriptor)
