"""A newer Docker engine than the machine's: the next Debian's, unpacked beside the servers and not installed."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from tests.servers.places import FOLDER, PROVISION

SUITE = "trixie"
PACKAGE = "docker.io"
SECONDS = 300
# The machine's own sources and lists stay as they are.
UNPACK = """
set -eu
. "$1"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/parts" "$folder/lists/partial" "$folder/cache/archives/partial"
apt_source_of "$2" >"$folder/parts/newer.sources"
chmod -R a+rwX "$folder"
options=(-o "Dir::Etc::sourceparts=$folder/parts" -o Dir::Etc::sourcelist=/dev/null -o "Dir::State::lists=$folder/lists"
  -o "Dir::Cache=$folder/cache")
apt_get "${options[@]}" update
cd "$folder"
apt_get "${options[@]}" download "$3"
dpkg -x "$3"_*.deb "$4"
"""


def find_newer_engine() -> tuple[str, ...]:
    """Return what begins the command of the newer engine; empty where it cannot be had. It is loaded once."""
    folder = FOLDER / f"{PACKAGE}-{SUITE}"
    program = folder / "usr" / "sbin" / "dockerd"
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{PACKAGE}-{SUITE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _unpack(folder)
    if not program.exists():
        return ()
    # Its own helpers, but the machine's runc: the package's wants a newer C library.
    return "env", f"PATH={folder / 'usr' / 'sbin'}:{folder / 'usr' / 'bin'}:{os.environ['PATH']}", str(program)


def _unpack(folder: Path) -> None:
    command = ["bash", "-c", UNPACK, "unpack", str(PROVISION / "apt.sh"), SUITE, PACKAGE, str(folder)]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
