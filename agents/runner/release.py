"""Where this agent was installed: releases side by side below one folder, and `current`, the one that is started.

    HOME/current -> releases/BUILD-KIND
    HOME/releases/BUILD-KIND/{app,lib,bin,python,requirements-runner.lock,.complete}

Whatever starts the agent (systemd, or its own `supervise`) starts `current`: that link alone decides which one runs.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import agents

LAUNCHER = Path("bin") / "axion-agent"
COMPLETE = ".complete"
# So much of the archive's SHA-256, in hex, names a build.
BUILD_CHARACTERS = 16
# In a container: which build its image was made of.
BUILD_VARIABLE = "AXION_AGENT_BUILD"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One installed version. `build` is the beginning of its archive's digest, `kind` which Python it is for."""

    home: Path
    build: str
    kind: str

    @property
    def folder(self) -> Path:
        return self.home / "releases" / f"{self.build}-{self.kind}"

    @property
    def launcher(self) -> Path:
        return self.folder / LAUNCHER

    @property
    def is_complete(self) -> bool:
        return (self.folder / COMPLETE).exists()

    def sibling(self, build: str) -> Release:
        """Return the release of another build for the same Python."""
        return Release(home=self.home, build=build, kind=self.kind)


def own_release() -> Release | None:
    """Return the release that this program runs from; None where it was not installed from an archive."""
    return release_at(Path(agents.__file__).resolve().parents[2])


def own_build() -> str:
    """Return what names the build that this program is of; empty where it was not made of an archive."""
    own = own_release()
    return own.build if own is not None else os.environ.get(BUILD_VARIABLE, "")


def release_at(folder: Path) -> Release | None:
    """Return the release in this folder, or None where there is none."""
    build, dash, kind = folder.name.partition("-")
    installed = folder.parent.name == "releases" and bool(dash) and (folder / LAUNCHER).is_file()
    return Release(home=folder.parent.parent, build=build, kind=kind) if installed else None


def build_of(digest: str) -> str:
    """Return what names the build whose archive has this digest."""
    return digest[:BUILD_CHARACTERS]


def start_from_now_on(release: Release) -> None:
    """Make it the one that is started: in one step, and on the disk when this returns. Raises OSError."""
    new = release.home / ".current"
    new.unlink(missing_ok=True)
    new.symlink_to(release.folder)
    new.replace(release.home / "current")
    folder = os.open(release.home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_others(release: Release, *, kept: tuple[Release, ...]) -> None:
    """Remove the releases beside these, and what was left half made."""
    names = {release.folder.name, *(each.folder.name for each in kept)}
    for folder in (release.home / "releases").iterdir():
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)
