"""Code bundles on this host: fetched once, checked against their digest at every use, kept within a bound."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from agents.runner.control_plane.client import ControlPlane
from agents.runner.control_plane.unpack import MAX_BUNDLE_BYTES, unpack
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import Interrupt
from agents.runner.journal.durable import move_into_place, sync

DIGEST = re.compile(r"(sha256:)?(?P<hex>[0-9a-f]{64})")
logger = logging.getLogger(__name__)


class Bundles:
    """Tars named by their SHA-256. Safe across threads and lanes."""

    def __init__(self, *, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in (*folder.glob("*.part"), *folder.glob("context-*")):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()

    @contextmanager
    def unpacked(self, *, digest: str, source: ControlPlane, interrupt: Interrupt) -> Iterator[Path]:
        """Return the bundle's content in a folder that is removed afterwards. Raises StepFailedError(build)."""
        folder = Path(tempfile.mkdtemp(prefix="context-", dir=self._folder))
        try:
            with self._open(digest=digest, source=source, interrupt=interrupt) as tar:
                unpack(tar, folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _open(self, *, digest: str, source: ControlPlane, interrupt: Interrupt) -> IO[bytes]:
        """Return the bundle, read from its beginning; fetched if it is not here, or no longer what its name says."""
        path = self._path(digest)
        known = _open_sound(path)
        if known is not None:
            return known
        file = self._receive(path=path, digest=digest, source=source, interrupt=interrupt)
        self._evict(keep=path)
        return file

    def _path(self, digest: str) -> Path:
        match = DIGEST.fullmatch(digest)
        if match is None:
            raise StepFailedError("invalid", f"{digest!r} is not a digest of a code bundle.")
        return self._folder / f"{match['hex']}.tar"

    def _receive(self, *, path: Path, digest: str, source: ControlPlane, interrupt: Interrupt) -> IO[bytes]:
        """On the disk, with its name, before it is used: a power cut leaves all of it or nothing."""
        handle, name = tempfile.mkstemp(suffix=".part", dir=self._folder)
        part = Path(name)
        file = os.fdopen(handle, "w+b")
        try:
            hashed = _receive(file=file, digest=digest, source=source, interrupt=interrupt)
            if hashed != path.stem:
                raise StepFailedError("build", f"The code bundle {digest} arrived with another content.")
            file.flush()
            sync(file.fileno())
            move_into_place(part, path)
            file.seek(0)
        except BaseException:
            file.close()
            part.unlink(missing_ok=True)
            raise
        return file

    def _evict(self, *, keep: Path) -> None:
        """Remove those longest not used while all together are over the bound."""
        with self._lock:
            known = sorted(self._folder.glob("*.tar"), key=lambda path: path.stat().st_mtime)
            total = sum(path.stat().st_size for path in known)
            for path in known:
                if total <= self._max_bytes:
                    return
                if path != keep:
                    total -= path.stat().st_size
                    path.unlink(missing_ok=True)


def _open_sound(path: Path) -> IO[bytes] | None:
    """Return the file if it is there and is what its name says; remove one that is not (a power cut, a bad disk)."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        found = f"unreadable: {error}"
    if found == path.stem:
        os.utime(file.fileno())
        file.seek(0)
        return file
    file.close()
    logger.warning("the code bundle %s is not what its name says (%s), fetching it again", path.name, found)
    path.unlink(missing_ok=True)
    return None


def _receive(*, file: IO[bytes], digest: str, source: ControlPlane, interrupt: Interrupt) -> str:
    """Fetch the bundle; it is on the disk, under its name, before it is used, so a power cut leaves all or nothing."""
    hashed = [hashlib.sha256()]

    def start() -> Callable[[bytes], object]:
        file.seek(0)
        file.truncate()
        hashed[0] = hashlib.sha256()
        return take

    def take(data: bytes) -> None:
        if file.tell() + len(data) > MAX_BUNDLE_BYTES:
            message = f"The code bundle {digest} is larger than {MAX_BUNDLE_BYTES // 1024**2} MiB."
            raise StepFailedError("build", message)
        hashed[0].update(data)
        file.write(data)

    source.bundle(digest=digest, start=start, interrupt=interrupt)
    return hashed[0].hexdigest()
