"""Code bundles on this host: fetched once, checked against their digest, kept within a bound."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from agents.runner.control_plane import ControlPlane
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import Interrupt

DIGEST = re.compile(r"(sha256:)?(?P<hex>[0-9a-f]{64})")


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
        """The bundle's content in a folder that is removed afterwards. Raises StepFailedError(build)."""
        tar = self.fetch(digest=digest, source=source, interrupt=interrupt)
        folder = Path(tempfile.mkdtemp(prefix="context-", dir=self._folder))
        try:
            with tarfile.open(tar) as archive:
                # The data filter refuses members that leave the folder, devices and odd permissions.
                archive.extractall(folder, filter="data")
            yield folder
        except tarfile.TarError as error:
            raise StepFailedError("build", f"The code bundle {digest} cannot be unpacked: {error}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def fetch(self, *, digest: str, source: ControlPlane, interrupt: Interrupt) -> Path:
        """The tar's path, fetched if it is not here. Raises StepFailedError(build) when its content is another."""
        match = DIGEST.fullmatch(digest)
        if match is None:
            raise StepFailedError("invalid", f"{digest!r} is no digest of a code bundle.")
        path = self._folder / f"{match['hex']}.tar"
        if path.exists():
            os.utime(path)
            return path
        handle, name = tempfile.mkstemp(suffix=".part", dir=self._folder)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                hashed = _receive(file=file, digest=digest, source=source, interrupt=interrupt)
            if hashed != match["hex"]:
                raise StepFailedError("build", f"The code bundle {digest} arrived with another content.")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        self._evict(keep=path)
        return path

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


def _receive(*, file: IO[bytes], digest: str, source: ControlPlane, interrupt: Interrupt) -> str:
    """Write the bundle into the file; returns the SHA-256 of what arrived."""
    hashed = [hashlib.sha256()]

    def start() -> Callable[[bytes], object]:
        file.seek(0)
        file.truncate()
        hashed[0] = hashlib.sha256()
        return take

    def take(data: bytes) -> None:
        hashed[0].update(data)
        file.write(data)

    source.bundle(digest=digest, start=start, interrupt=interrupt)
    return hashed[0].hexdigest()
