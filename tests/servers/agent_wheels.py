"""The packages of the agent as wheels, downloaded once: a server of the tests has no index of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.servers.places import FOLDER, REPOSITORY

DOWNLOAD_SECONDS = 300.0
LOCK = REPOSITORY / "requirements-runner.lock"


def agent_wheels() -> Path:
    """Return the folder with the wheels that the lock file names, for this machine's Python."""
    folder = FOLDER / "agent-wheels"
    noted = folder / "lock"
    if not noted.exists() or noted.read_bytes() != LOCK.read_bytes():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--require-hashes"]
        subprocess.run(
            [*command, "--no-deps", "--dest", str(folder), "-r", str(LOCK)],
            check=True,
            capture_output=True,
            timeout=DOWNLOAD_SECONDS,
        )
        noted.write_bytes(LOCK.read_bytes())
    return folder
