"""A new release beside the present one: fetched, checked, unpacked, with the packages that it needs."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from agents.runner.release import COMPLETE, LAUNCHER, Release

LOCK_FILE = "requirements-runner.lock"
MAX_ARCHIVE_BYTES = 64 * 1024 * 1024
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
PACKAGES_SECONDS = 600


class UpdateFailedError(Exception):
    """Why the update cannot go on, for people."""


class Archive:
    """Takes the archive in, piece by piece, no more than it may have. `digest`: SHA-256, in hex."""

    def __init__(self, *, digest: str) -> None:
        self._digest = digest
        self._content = bytearray()

    def take(self, data: bytes) -> None:
        if len(self._content) + len(data) > MAX_ARCHIVE_BYTES:
            raise UpdateFailedError("The archive of the new version is larger than any can be.")
        self._content += data

    def checked(self) -> bytes:
        """Return all of it. Raises UpdateFailedError where it is not what was named."""
        if hashlib.sha256(self._content).hexdigest() != self._digest:
            raise UpdateFailedError("What was fetched is not the version that was named: its SHA-256 is another.")
        return bytes(self._content)


def provide(*, release: Release, present: Release, content: bytes, run: Callable[..., None] | None = None) -> None:
    """Have the release complete in its folder, or not at all; one that is there already stays. Blocks for minutes.

    Packages are those of the present release where both need the same; else pip fetches them. Raises UpdateFailedError.
    """
    if release.is_complete:
        return
    try:
        new = Path(tempfile.mkdtemp(prefix=".new.", dir=release.folder.parent))
    except OSError as error:
        raise UpdateFailedError(_cannot_write(release.folder.parent, error)) from error
    try:
        _unpack(content, new)
        _add_packages(new, present=present, run=run or _pip)
        (new / "python").write_text(f"{sys.executable}\n")
        new.chmod(0o755)
        (new / COMPLETE).touch()
        os.sync()
        shutil.rmtree(release.folder, ignore_errors=True)
        new.rename(release.folder)
    except (OSError, tarfile.TarError) as error:
        raise UpdateFailedError(_cannot_write(release.folder.parent, error)) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _cannot_write(folder: Path, error: Exception) -> str:
    return (
        f"The new version could not be put into {folder}: {error}. If the agent may not write there, run the line of"
        " the server's page once more on the server."
    )


def _unpack(content: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        if sum(member.size for member in tar.getmembers()) > MAX_UNPACKED_BYTES:
            raise UpdateFailedError("The new version is larger than any can be.")
        tar.extractall(folder, filter="data")
    if not (folder / LAUNCHER).is_file() or not (folder / LOCK_FILE).is_file():
        raise UpdateFailedError("What was fetched is no agent: its launcher is missing.")
    (folder / LAUNCHER).chmod(0o755)


def _add_packages(folder: Path, *, present: Release, run: Callable[..., None]) -> None:
    here = present.folder / LOCK_FILE
    if here.is_file() and here.read_bytes() == (folder / LOCK_FILE).read_bytes() and (present.folder / "lib").is_dir():
        shutil.copytree(present.folder / "lib", folder / "lib", symlinks=True, copy_function=_link_or_copy)
        return
    run(folder)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _pip(folder: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-cache-dir", "--root-user-action", "ignore", "--only-binary", ":all:", "--require-hashes"),
        *("-r", str(folder / LOCK_FILE), "--target", str(folder / "lib")),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PACKAGES_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UpdateFailedError("pip did not bring what the new version needs within ten minutes.") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:300]
        raise UpdateFailedError(
            f"pip could not install what the new version needs ({last}). Run the line of the server's page once more on"
            " the server."
        )
