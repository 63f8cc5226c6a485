"""PostgreSQL refuses to run as root: how to run it as somebody else, on the same files."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from axion_deploy.embedded.errors import NotAvailable

PROBE_SECONDS = 10
CANDIDATES = ("postgres", "nobody")


def prefix_for(*, folder: Path, program: Path) -> tuple[str, ...]:
    """Return the words before a command that let it run `program` and write into `folder`; none unless we are root.

    Raises NotAvailable when every way fails its trial.
    """
    if os.geteuid() != 0:
        return ()
    for prefix, user in _ways():
        if user is not None:
            shutil.chown(folder, user.pw_uid, user.pw_gid)
        if _works(prefix, folder=folder, program=program):
            return prefix
        if user is not None:
            shutil.chown(folder, 0, 0)
    raise NotAvailable(
        f"PostgreSQL refuses to run as root, and no other user may use {folder}: run this as an ordinary user, "
        "or give DATABASE_URL."
    )


def _ways() -> Iterator[tuple[tuple[str, ...], pwd.struct_passwd | None]]:
    """A user namespace first: it keeps root's access to the files, so a clone under /root works too."""
    unshare, setpriv = shutil.which("unshare"), shutil.which("setpriv")
    if unshare:
        yield (unshare, "--user", "--map-user=1000", "--map-group=1000", "--"), None
    for name in CANDIDATES if setpriv else ():
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        yield (str(setpriv), f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"), user


def _works(prefix: Sequence[str], *, folder: Path, program: Path) -> bool:
    test = 'test -w "$1" && "$2" --version'
    try:
        done = subprocess.run(
            [*prefix, "sh", "-c", test, "sh", str(folder), str(program)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
