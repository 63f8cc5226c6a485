"""A DOCKER_CONFIG of one command's own: the logins it was given beside what the agent's user has, gone when it ends."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.runner.planning.registries import RegistryLogin

CONFIG_FILE = "config.json"
MOUNTS = Path("/proc/mounts")
# In memory, so that no password is ever on a disk; the first one that is there.
MEMORY = ("/run", "/dev/shm")  # noqa: S108 - a folder of our own within, whose owner is checked
MAX_CONFIG_BYTES = 1024 * 1024
logger = logging.getLogger(__name__)


class ClientConfigs:
    """Folders of one agent, each with mode 0700 and in memory where the machine has such a file system."""

    def __init__(self, *, state_dir: Path, environment: Mapping[str, str]) -> None:
        self._state_dir = state_dir
        self._environment = environment

    def clear(self) -> None:
        """Remove what a killed predecessor left; for the start, while nothing works."""
        for folder in self._folders():
            if _is_ours(folder):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def holding(self, logins: Iterable[RegistryLogin]) -> Iterator[Path]:
        """Give a folder for DOCKER_CONFIG with these logins; it is gone afterwards. Raises OSError."""
        folder = Path(tempfile.mkdtemp(dir=self._root()))
        try:
            self._furnish(folder, logins)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _furnish(self, folder: Path, logins: Iterable[RegistryLogin]) -> None:
        base = self._base()
        content = with_logins(_read(base / CONFIG_FILE), logins)
        # Plugins, builders and contexts of the agent's user are needed as before.
        with contextlib.suppress(OSError):
            for entry in base.iterdir():
                if entry.name != CONFIG_FILE:
                    (folder / entry.name).symlink_to(entry)
        descriptor = os.open(folder / CONFIG_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file)

    def _base(self) -> Path:
        if named := self._environment.get("DOCKER_CONFIG"):
            return Path(named)
        return Path(self._environment.get("HOME") or "/root") / ".docker"

    def _root(self) -> Path:
        for folder in self._folders():
            with contextlib.suppress(OSError):
                folder.mkdir(mode=0o700, exist_ok=True)
                if _is_ours(folder):
                    return folder
        raise PermissionError(f"There is no folder of this agent alone for logins to registries below {MEMORY}.")

    def _folders(self) -> list[Path]:
        """Return where the folders may be, the best first. Named for the agent: several share a machine in tests."""
        name = hashlib.sha256(str(self._state_dir.resolve()).encode()).hexdigest()[:16]
        places: list[str | Path] = [*_in_memory(self._environment.get("XDG_RUNTIME_DIR", "")), self._state_dir]
        return [Path(place) / f"axion-registries-{name}" for place in places]


def with_logins(config: dict[str, Any], logins: Iterable[RegistryLogin]) -> dict[str, Any]:
    """Return a config.json with these logins over its own; all else stays as it was."""
    auths, helpers = dict(config.get("auths") or {}), dict(config.get("credHelpers") or {})
    for login in logins:
        if not login.username:
            continue
        pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        auths[login.config_key] = {"auth": pair}
        if helpers or config.get("credsStore"):
            # A store would be asked instead of this file; no name means this file.
            helpers[login.config_key] = ""
    return {**config, "auths": auths, **({"credHelpers": helpers} if helpers else {})}


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            return {}
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        logger.warning("%s cannot be read and is left out: %s", path, type(error).__name__)
        return {}
    return found if isinstance(found, dict) else {}


def _in_memory(of_user: str) -> list[str]:
    try:
        lines = [line.split() for line in MOUNTS.read_text().splitlines()]
    except OSError:
        return []
    mounted = {fields[1] for fields in lines if len(fields) > 2 and fields[2] in {"tmpfs", "ramfs"}}
    return [place for place in (of_user, *MEMORY) if place in mounted]


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
