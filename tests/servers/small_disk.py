"""A disk so small that a test can fill it."""

from __future__ import annotations

import contextlib
import errno
import subprocess
from pathlib import Path

BLOCK = b"\0" * 65536
MOUNT_SECONDS = 10


class SmallDisk:
    """A file system of its own in memory, of so many bytes. Needs root."""

    def __init__(self, folder: Path, *, size: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={size}", "axion-test", str(folder))

    def fill(self) -> None:
        """Leave no room at all, until `free`."""
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            for block in (BLOCK, BLOCK[:512], BLOCK[:1]):
                try:
                    while ballast.write(block):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("umount", "--lazy", str(self.folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=MOUNT_SECONDS)
