"""Programs that run on NestJS, with the libraries of package-lock.json, installed once outside of the sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.readiness import wait_ready
from tests.servers.places import FOLDER

HERE = Path(__file__).parent
INSTALL_SECONDS = 300
READY_SECONDS = 90


def node_modules(*, here: Path = HERE, name: str = "nest") -> Path:
    """The folder with the libraries of a lock file, complete when it is there; the first caller installs."""
    lock = here / "package-lock.json"
    folder = FOLDER / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:8]}"
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{name}.lock").open("a") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not folder.exists():
            draft = FOLDER / f"{name}.new"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(here / file, draft)
            subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund"], cwd=draft, check=True, timeout=INSTALL_SECONDS, text=True
            )
            draft.rename(folder)
    return folder / "node_modules"


def start(program: Path, *, log: Path, ready: str, settings: dict[str, str]) -> Child:
    """Returns when the program has printed `ready`."""
    child = Child(
        name=program.name,
        command=["node", str(program)],
        log_file=log,
        env=child_environment(settings),
        cwd=program.parent,
    )
    child.start()
    wait_ready(child, probe=lambda: ready in child.tail(lines=50), seconds=READY_SECONDS)
    return child


def child_environment(settings: dict[str, str]) -> dict[str, str]:
    """For a program that finds the libraries, with these settings of its own."""
    return {**os.environ, **settings, "NODE_PATH": str(node_modules()), "KAFKAJS_NO_PARTITIONER_WARNING": "1"}
