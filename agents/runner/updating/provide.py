"""A new release beside the present one: fetched, checked, unpacked, with the packages that it needs."""

from __future__ import annotations

import hashlib
import io
import logging
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
MAX_PACKAGES_BYTES = 160 * 1024 * 1024
PACKAGES_SECONDS = 600
MAX_LOCK_BYTES = 4 * 1024 * 1024
logger = logging.getLogger(__name__)


class UpdateFailedError(Exception):
    """Why the update cannot go on, for people."""


class Packages:
    """Takes packages in, piece by piece, no more than there may be. pip holds each against the archive's lock file."""

    def __init__(self) -> None:
        self.content = bytearray()

    def take(self, data: bytes) -> None:
        if len(self.content) + len(data) > MAX_PACKAGES_BYTES:
            raise UpdateFailedError("The packages of the new version are larger than any can be.")
        self.content += data


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
            raise UpdateFailedError("What was downloaded is not the version that was named: its SHA-256 differs.")
        return bytes(self._content)


def needs_packages(*, release: Release, present: Release, content: bytes) -> bool:
    """Tell whether the release lacks packages that the present one does not have. Raises UpdateFailedError."""
    if release.is_complete:
        return False
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
            file = tar.extractfile(LOCK_FILE)
            wanted = b"" if file is None else file.read(MAX_LOCK_BYTES)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise UpdateFailedError(f"What was downloaded is not an agent: {error}.") from error
    return not _has_packages(present, lock=wanted)


def provide(
    *, release: Release, present: Release, content: bytes, packages: bytes = b"", run: Callable[..., None] | None = None
) -> None:
    """Have the release complete in its folder, or not at all; one that is there already stays. Blocks for minutes.

    Packages are those of the present release where both need the same; else those that came along in `packages`, a
    .tar of wheels, or what pip fetches. Raises UpdateFailedError.
    """
    if release.is_complete:
        return
    try:
        new = Path(tempfile.mkdtemp(prefix=".new.", dir=release.folder.parent))
    except OSError as error:
        raise UpdateFailedError(_cannot_write(release.folder.parent, error)) from error
    try:
        _unpack(content, new)
        _add_packages(new, present=present, packages=packages, run=run or _pip)
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
        raise UpdateFailedError("What was downloaded is not an agent: its launcher is missing.")
    (folder / LAUNCHER).chmod(0o755)


def _has_packages(present: Release, *, lock: bytes) -> bool:
    here = present.folder / LOCK_FILE
    return here.is_file() and here.read_bytes() == lock and (present.folder / "lib").is_dir()


def _add_packages(folder: Path, *, present: Release, packages: bytes, run: Callable[..., None]) -> None:
    if _has_packages(present, lock=(folder / LOCK_FILE).read_bytes()):
        shutil.copytree(present.folder / "lib", folder / "lib", symlinks=True, copy_function=_link_or_copy)
    elif not packages or not _add_brought(folder, packages):
        run(folder)


def _add_brought(folder: Path, packages: bytes) -> bool:
    """Install what came along; False, and nothing left of it, where that is not all that is needed."""
    wheels = folder / "wheels"
    try:
        wheels.mkdir()
        with tarfile.open(fileobj=io.BytesIO(packages), mode="r:") as tar:
            tar.extractall(wheels, filter="data")
        _pip(folder, wheels=wheels)
    except (UpdateFailedError, tarfile.TarError) as error:
        logger.warning("the packages that the control plane carries do not do: %s", error)
        shutil.rmtree(folder / "lib", ignore_errors=True)
        return False
    finally:
        shutil.rmtree(wheels, ignore_errors=True)
    return True


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _pip(folder: Path, *, wheels: Path | None = None) -> None:
    """Install what the lock file names: from the folder of wheels alone, or from the machine's own index."""
    program = next((f"{each}/pip" for each in wheels.glob("pip-*.whl")), "") if wheels else ""
    brought = ("--no-index", "--find-links", str(wheels)) if wheels else ()
    command = [
        *((sys.executable, program) if program else (sys.executable, "-m", "pip")),
        *("install", *brought, "--quiet", "--disable-pip-version-check", "--no-input"),
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
