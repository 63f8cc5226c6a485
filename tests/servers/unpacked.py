"""Programs of Debian's packages, unpacked beside the tests' servers without installing them."""

from __future__ import annotations

import fcntl
import shutil
import subprocess

from tests.servers.places import FOLDER

SECONDS = 120


def find_program(*, package: str, program: str) -> str:
    """Where the program is: on the PATH, else out of the package, which is loaded once. Empty when nowhere."""
    if found := shutil.which(program):
        return found
    folder = FOLDER / package
    path = folder / "usr" / "bin" / program
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{package}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
            folder.mkdir(exist_ok=True)
            _run("apt-get", "download", "-qq", package, cwd=str(folder))
            for archive in folder.glob(f"{package}_*.deb"):
                _run("dpkg", "-x", str(archive), str(folder), cwd=str(folder))
                archive.unlink()
    return str(path) if path.exists() else ""


def _run(*command: str, cwd: str) -> None:
    subprocess.run(command, cwd=cwd, capture_output=True, timeout=SECONDS, check=False)
