"""Authorities of registries, where Docker looks for them: only while a command needs them, in files of our own name.

Whoever's certificate Docker trusts for a registry may give it any image, also to others on this host. So nothing is
written unless the machine's owner allowed it, nothing where the owner has put an authority, and what is ours goes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.runner.planning.registries import RegistryLogin

FOLDER = Path("/etc/docker/certs.d")
SAFE_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
logger = logging.getLogger(__name__)


class RegistryCertificates:
    """Those that one agent writes. Safe across threads: the last command that needs one takes it away."""

    def __init__(self, *, state_dir: Path, allowed: bool, folder: Path = FOLDER) -> None:
        name = f"axion-deploy-{hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]}"
        self._file, self._unfinished = f"{name}.crt", f"{name}.unfinished"
        self._allowed = allowed
        self._folder = folder
        self._lock = threading.Lock()
        self._users: Counter[str] = Counter()

    def clear(self) -> None:
        """Remove what a killed predecessor left; for the start, while nothing works."""
        for name in (self._file, self._unfinished):
            for path in self._folder.glob(f"*/{name}"):
                self._remove(path)

    @contextmanager
    def trusted(self, logins: Iterable[RegistryLogin]) -> Iterator[None]:
        """Have Docker trust the authorities of these registries meanwhile, where that is allowed and needed.

        What could not be written is logged: Docker then says itself that it does not trust the registry.
        """
        taken = [login.address for login in logins if self._take(login)]
        try:
            yield
        finally:
            for address in taken:
                self._leave(address)

    def _take(self, login: RegistryLogin) -> bool:
        if not (self._allowed and login.ca_certificate and SAFE_HOST.fullmatch(login.address)):
            return False
        with self._lock:
            folder = self._folder / login.address
            if any(each.name != self._file for each in folder.glob("*.crt")):
                # The machine's owner has said whom to trust.
                return False
            try:
                folder.mkdir(parents=True, exist_ok=True)
                # The whole file at once: Docker reads whatever it finds.
                (folder / self._unfinished).write_text(login.ca_certificate)
                os.replace(folder / self._unfinished, folder / self._file)
            except OSError as error:
                logger.warning("the authority of %s could not be written: %s", login.address, error)
                return False
            self._users[login.address] += 1
            return True

    def _leave(self, address: str) -> None:
        with self._lock:
            self._users[address] -= 1
            if not self._users[address]:
                self._remove(self._folder / address / self._file)

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            # Only an empty one goes: others may keep something there.
            path.parent.rmdir()
