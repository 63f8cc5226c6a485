"""A small disk of its own under a folder, that a test may fill without hurting anybody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Its file is sparse: what nobody writes takes no space. A twentieth of it has to stay free.
SIZE = 4 * 1024**3


class LoopDisk:
    """An ext4 on a loop device; a tmpfs where the machine gives no loop devices."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder
        self._image = folder.with_name(f"{folder.name}.ext4")
        self._filler = folder / "filler"

    def mount(self) -> None:
        """Put it under what the folder holds, which goes along; nobody may work there meanwhile."""
        before = self._folder.with_name(f"{self._folder.name}.before")
        self._folder.rename(before)
        self._folder.mkdir()
        with self._image.open("wb") as image:
            image.truncate(SIZE)
        # No journal and few inodes: nothing of it is worth a crash.
        _run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-N", "8192", str(self._image))
        try:
            _run("mount", "-o", "loop", str(self._image), str(self._folder))
        except subprocess.CalledProcessError:
            sys.stdout.write("no loop device can be had: the small disk is a tmpfs\n")
            _run("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(self._folder))
        shutil.copytree(before, self._folder, dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(before)

    def fill(self) -> None:
        """Leave a fortieth of it."""
        disk = shutil.disk_usage(self._folder)
        with self._filler.open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, disk.free - disk.total // 40)

    def empty(self) -> None:
        self._filler.unlink()

    def unmount(self) -> None:
        """Leave the folder with what the disk holds; nobody may work there any more."""
        after = self._folder.with_name(f"{self._folder.name}.after")
        self._filler.unlink(missing_ok=True)
        shutil.copytree(self._folder, after, symlinks=True)
        _run("umount", str(self._folder))
        self._folder.rmdir()
        after.rename(self._folder)
        self._image.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
